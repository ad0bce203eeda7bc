import { messageOf } from '../../lib/message-of.ts';
import { sha256 } from '../../lib/sha256.ts';
import { valueAt } from '../../lib/value-at.ts';
import { ClientAuthentication } from '../client/client-authentication.ts';
import { answeredWith, shown } from './authorization-error.ts';
import { boundedTokens, boundedUser, expiryOf } from './bounds.ts';
import {
  type GrantTokens,
  type LoginFlow,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  type ProviderUser,
  type TokenExchange,
  type TokenRequest,
} from './provider.ts';
import { Redemption } from './redemption.ts';
import type { OAuth2Config } from './schema.ts';
import { tokenParameters } from './token-parameters.ts';

/** What a provider is made in. */
export interface OAuth2Place {
  /** Rejects where there is no answer in time. */
  readonly fetch: (
    url: string,
    request: { method?: string; headers?: Record<string, string>; body?: string },
  ) => Promise<Response>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A provider of OAuth 2.0 (RFC 6749) that knows nothing of OpenID Connect, or answers in a way of its own. */
export class OAuth2Provider implements Provider {
  readonly name: string;
  readonly issuer: string;
  readonly timeoutMs: number;
  readonly reusesRefreshTokens: boolean | undefined;
  readonly #config: OAuth2Config;
  readonly #place: OAuth2Place;
  #authentication: ClientAuthentication | undefined;

  constructor(name: string, config: OAuth2Config, place: OAuth2Place) {
    this.name = name;
    this.timeoutMs = config.timeout;
    this.reusesRefreshTokens = config.reusesRefreshTokens;
    this.issuer = config.issuer ?? new URL(config.tokenEndpoint).origin;
    this.#config = config;
    this.#place = place;
  }

  async authorizationUrl(flow: LoginFlow): Promise<string> {
    const { authorizationEndpoint, authorizationParameters, scopes, scopeSeparator } = this.#config;
    const url = new URL(authorizationEndpoint);
    const parameters: Record<string, string> = {
      ...(scopes.length === 0 ? {} : { scope: scopes.join(scopeSeparator) }),
      ...authorizationParameters,
      ...flow.parameters,
      response_type: 'code',
      client_id: this.#clientId(),
      redirect_uri: flow.redirectUri,
      state: flow.state,
      // RFC 7636 section 4.2; whoever does not know it ignores it (RFC 6749 section 3.1).
      code_challenge: sha256(flow.verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  async redeem(search: string, flow: LoginFlow): Promise<GrantTokens> {
    const answer = new URLSearchParams(search);
    for (const name of ['state', 'code', 'iss', 'error'])
      if (answer.getAll(name).length > 1) throw refused('invalid_response', `${name} stands there twice`);
    if (answer.get('state') !== flow.state) throw refused('invalid_response', 'state is another');
    // RFC 9207 section 2.4
    const iss = answer.get('iss');
    if (iss !== null && this.#config.issuer !== undefined && iss !== this.#config.issuer)
      throw refused('invalid_response', 'iss is another');
    const error = answer.get('error');
    if (error !== null) throw answeredWith(error);
    const code = answer.get('code');
    if (code === null || code === '') throw refused('invalid_response', 'there is no code');
    return this.#request(
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: flow.redirectUri,
        code_verifier: flow.verifier,
      },
      this.#config.scopes,
    );
  }

  async refresh(tokens: GrantTokens): Promise<GrantTokens> {
    if (tokens.refreshToken === undefined) throw refused('invalid_grant', 'there is no refresh token');
    const parameters = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken };
    const redemption = new Redemption();
    try {
      return { ...tokens, ...(await this.#request(parameters, tokens.scopes, redemption)) };
    } catch (error) {
      throw redemption.failure(error);
    }
  }

  async user(tokens: GrantTokens): Promise<ProviderUser> {
    const { user, headers } = this.#config;
    if (user === undefined)
      throw new ProviderUnavailable(`${this.name} has no user: nobody can log in there first`);
    const answer = await this.#fetch(user.url, {
      headers: {
        accept: 'application/json',
        ...headers,
        authorization: `${user.scheme} ${tokens.accessToken}`,
      },
    });
    if (answer.status === 401 || answer.status === 403)
      throw refused('invalid_token', `the provider answered ${answer.status}`);
    const told = answer.ok ? parsed(answer.text) : undefined;
    const subject = valueAt(told, user.subject);
    // Numbers are common: GitHub and GitLab count their users.
    if ((typeof subject !== 'string' && typeof subject !== 'number') || subject === '')
      throw new ProviderUnavailable(
        `${this.name} did not say whose its tokens are: it answered ${answer.status}`,
      );
    const paths = Object.entries(user.claims);
    const claims =
      paths.length === 0
        ? (told as Record<string, unknown>)
        : Object.fromEntries(
            paths.flatMap(([claim, path]) => {
              const value = valueAt(told, path);
              return value === undefined ? [] : [[claim, value]];
            }),
          );
    return boundedUser({ issuer: this.issuer, subject: String(subject), claims });
  }

  async revoke(tokens: GrantTokens): Promise<void> {
    const { revocationEndpoint } = this.#config;
    if (revocationEndpoint === undefined) return;
    const token = tokens.refreshToken ?? tokens.accessToken;
    const { status, ok } = await this.#post(revocationEndpoint, { token });
    // RFC 7009 section 2.2.1: the token may still be good.
    if (!ok) throw new ProviderUnavailable(`the provider answered ${status}`);
  }

  async logoutUrl(): Promise<string | undefined> {
    return this.#config.logoutEndpoint;
  }

  exchange(request: TokenExchange): Promise<GrantTokens> {
    const { subjectToken, subjectTokenType = ACCESS_TOKEN, requestedTokenType } = request;
    const parameters = {
      grant_type: EXCHANGE,
      ...tokenParameters(request),
      subject_token: subjectToken,
      subject_token_type: subjectTokenType,
      ...(requestedTokenType === undefined ? {} : { requested_token_type: requestedTokenType }),
    };
    return this.#request(parameters, request.scopes);
  }

  clientCredentials(request: TokenRequest): Promise<GrantTokens> {
    return this.#request({ grant_type: 'client_credentials', ...tokenParameters(request) }, request.scopes);
  }

  /** Asks the token endpoint. Some say what is wrong with a status of 200. */
  async #request(
    parameters: Record<string, string>,
    asked: readonly string[],
    redemption?: Redemption,
  ): Promise<GrantTokens> {
    const { tokenEndpoint, tokenParameters: further, tokens: paths } = this.#config;
    const { status, ok, text } = await this.#post(tokenEndpoint, { ...further, ...parameters }, redemption);
    const told = parsed(text);
    const error = valueAt(told, 'error');
    if (typeof error === 'string' && status < 500 && status !== 429)
      throw refused(error, `the provider answered ${status}`);
    const accessToken = valueAt(told, paths.accessToken);
    if (!ok || typeof accessToken !== 'string' || accessToken === '')
      throw new ProviderUnavailable(`the provider answered ${status} without a token`);
    const refreshToken = valueAt(told, paths.refreshToken);
    const expiresIn = Number(valueAt(told, paths.expiresIn) ?? Number.NaN);
    const scope = valueAt(told, paths.scope);
    const tokenType = valueAt(told, 'token_type');
    return boundedTokens({
      accessToken,
      tokenType: typeof tokenType === 'string' ? tokenType.toLowerCase() : 'bearer',
      ...(typeof refreshToken === 'string' && refreshToken !== '' ? { refreshToken } : {}),
      expiresAtMs: expiryOf(expiresIn > 0 ? expiresIn : undefined, this.#place.nowMs()),
      scopes: typeof scope === 'string' ? scope.split(/[ ,]+/).filter((word) => word !== '') : asked,
    });
  }

  async #post(url: string, parameters: Record<string, string>, redemption?: Redemption): Promise<Answer> {
    const body = new URLSearchParams(parameters);
    const headers = new Map([
      ['accept', 'application/json'],
      ['content-type', 'application/x-www-form-urlencoded'],
      ...Object.entries(this.#config.headers),
    ]);
    this.#authentication ??= new ClientAuthentication(this.#clientId(), this.#config, this.#place.nowMs);
    await this.#authentication.prove(headers, body, this.#config.issuer ?? url);
    const request = { method: 'POST', headers: Object.fromEntries(headers), body: body.toString() };
    return this.#fetch(url, request, redemption);
  }

  async #fetch(
    url: string,
    request: Parameters<OAuth2Place['fetch']>[1],
    redemption?: Redemption,
  ): Promise<Answer> {
    const ask = () => this.#place.fetch(url, request);
    try {
      const answer = await (redemption === undefined ? ask() : redemption.send(ask));
      return { status: answer.status, ok: answer.ok, text: await answer.text() };
    } catch (error) {
      const reason = messageOf(error);
      throw new ProviderUnavailable(`the provider did not answer: ${reason}`);
    }
  }

  #clientId(): string {
    const { clientId } = this.#config;
    if (clientId === undefined) throw new ProviderRefused('invalid_client', `${this.name} has no clientId`);
    return clientId;
  }
}

interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly text: string;
}

/** JSON, or what a form would send, whatever its Content-Type says: undefined for neither. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text.includes('=') ? Object.fromEntries(new URLSearchParams(text)) : undefined;
  }
}

function refused(code: string, message: string): ProviderRefused {
  return new ProviderRefused(shown(code), message);
}
