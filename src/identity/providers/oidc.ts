import * as client from 'openid-client';
import { ClientAuthentication } from '../client/client-authentication.ts';
import type { KeySource } from '../jwt/key-source.ts';
import { boundedUser, isBounded } from './bounds.ts';
import { claimsOf, signatureOf, withoutIdToken } from './id-token.ts';
import { verifyLogoutToken } from './logout-token.ts';
import { outcomeOf } from './oidc-errors.ts';
import {
  type GrantTokens,
  type LoginFlow,
  type LogoutNotice,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  type ProviderUser,
  type TokenExchange,
  type TokenRequest,
} from './provider.ts';
import { Redemption } from './redemption.ts';
import type { OidcConfig } from './schema.ts';
import { tokenParameters, tokensFrom } from './token-parameters.ts';

/** What a provider is made in. */
export interface OidcPlace {
  /** What the provider publishes of itself; rejects with `ProviderUnavailable`. The same object until it is another. */
  readonly metadata: () => Promise<client.ServerMetadata>;
  readonly fetch: client.CustomFetch;
  /** That it publishes. */
  readonly keys: KeySource;
  readonly warn: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

type ProofLater = (...parameters: Parameters<client.ClientAuth>) => Promise<void>;

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A provider of OpenID Connect. */
export class OidcProvider implements Provider {
  readonly name: string;
  readonly issuer: string;
  readonly timeoutMs: number;
  readonly reusesRefreshTokens: boolean | undefined;
  readonly #config: OidcConfig;
  readonly #place: OidcPlace;
  readonly #scope: string;
  /** By refresh token. */
  readonly #redeeming = new Map<string, Refresh>();
  #made:
    | { readonly metadata: client.ServerMetadata; readonly configuration: client.Configuration }
    | undefined;
  #authentication: ClientAuthentication | undefined;

  constructor(name: string, config: OidcConfig, place: OidcPlace) {
    this.name = name;
    this.timeoutMs = config.timeout;
    this.reusesRefreshTokens = config.reusesRefreshTokens;
    this.issuer = config.issuer;
    this.#config = config;
    this.#place = place;
    this.#scope = [...new Set(['openid', ...config.scopes])].join(' ');
  }

  /** Where the metadata promises it, openid-client takes no answer without `iss`. */
  async namesItself(): Promise<boolean> {
    const { authorization_response_iss_parameter_supported: isPromised } = await this.#place.metadata();
    return isPromised === true;
  }

  async authorizationUrl(flow: LoginFlow): Promise<string> {
    const url = client.buildAuthorizationUrl(await this.#configuration(), {
      ...this.#config.authorizationParameters,
      ...flow.parameters,
      ...this.#promptOf(flow),
      redirect_uri: flow.redirectUri,
      scope: this.#scope,
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: 'S256',
    });
    return url.href;
  }

  /**
   * OpenID Connect Core section 11: without `consent` the scope offline_access is to be ignored, so that a link with another prompt would leave a
   * user without a refresh token. What the configuration says of it counts.
   */
  #promptOf({ parameters = {} }: LoginFlow): { readonly prompt?: string } {
    const usual = this.#scope.split(' ').includes('offline_access') ? 'consent' : undefined;
    const configured = this.#config.authorizationParameters['prompt'] ?? usual;
    const wanted = parameters['prompt'];
    if (wanted === undefined) return configured === undefined ? {} : { prompt: configured };
    const words = wanted.split(' ');
    const lacksConsent = configured?.split(' ').includes('consent') === true && !words.includes('none');
    return { prompt: [...new Set([...words, ...(lacksConsent ? ['consent'] : [])])].join(' ') };
  }

  async redeem(search: string, flow: LoginFlow): Promise<GrantTokens> {
    const configuration = await this.#configuration();
    const url = new URL(flow.redirectUri);
    url.search = search;
    const answer = await outcomeOf(
      client.authorizationCodeGrant(
        configuration,
        url,
        {
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          pkceCodeVerifier: flow.verifier,
          idTokenExpected: true,
        },
        this.#config.tokenParameters,
      ),
    );
    await this.#checkSignature(answer.id_token ?? '');
    return tokensFrom(answer, this.#config.scopes, this.#place.nowMs());
  }

  /** Also of a token that came straight from the provider (OpenID Connect Core section 3.1.3.7). */
  async #checkSignature(idToken: string): Promise<void> {
    const verdict = await signatureOf(idToken, this.#place.keys);
    if (verdict.kind === 'unsigned')
      throw new ProviderRefused(
        'invalid_response',
        `the provider's answer is not to be believed: ${verdict.why}`,
      );
    if (verdict.kind === 'unknown')
      throw new ProviderUnavailable(`the keys of ${this.name} cannot be read: ${verdict.why}`);
  }

  async refresh(tokens: GrantTokens): Promise<GrantTokens> {
    const { refreshToken } = tokens;
    if (refreshToken === undefined) throw new ProviderRefused('invalid_grant', 'there is no refresh token');
    const refresh: Refresh = { redemption: new Redemption(), idToken: undefined };
    this.#redeeming.set(refreshToken, refresh);
    try {
      const answer = await outcomeOf(
        client.refreshTokenGrant(await this.#configuration(), refreshToken, this.#config.tokenParameters),
      );
      const renewed = { ...tokens, ...tokensFrom(answer, tokens.scopes, this.#place.nowMs()) };
      const { idToken } = refresh;
      return idToken === undefined ? renewed : await this.#withIdToken(tokens, renewed, idToken);
    } catch (error) {
      throw refresh.redemption.failure(error);
    } finally {
      this.#redeeming.delete(refreshToken);
    }
  }

  /**
   * The old refresh token is used up by now, and nothing depends on the new ID token but a hint at the logout: one that cannot be verified is left
   * out. One of somebody else says that all of it is theirs (OpenID Connect Core section 12.2): then nobody is to have it.
   */
  async #withIdToken(old: GrantTokens, renewed: GrantTokens, idToken: string): Promise<GrantTokens> {
    const claims = claimsOf(idToken);
    const before = old.idToken === undefined ? undefined : claimsOf(old.idToken);
    if (claims?.sub !== undefined && before?.sub !== undefined && claims.sub !== before.sub) {
      await this.revoke(renewed).catch(() => {});
      throw new ProviderUnavailable(`${this.name} refreshed the tokens of another user`);
    }
    const { aud } = claims ?? {};
    const isOurs = [aud].flat().includes(this.#config.clientId) && claims?.iss === this.issuer;
    const verdict = await signatureOf(idToken, this.#place.keys);
    if (isOurs && verdict.kind === 'signed' && isBounded(idToken)) return { ...renewed, idToken };
    const why = verdict.kind === 'signed' ? 'it is for somebody else, or too long' : verdict.why;
    this.#place.warn(`the ID token of a refresh at ${this.name} is left out: ${why}`);
    return renewed;
  }

  async user(tokens: GrantTokens): Promise<ProviderUser> {
    const claims = tokens.idToken === undefined ? undefined : claimsOf(tokens.idToken);
    const told =
      claims === undefined || this.#config.userInfo
        ? await outcomeOf(
            client.fetchUserInfo(
              await this.#configuration(),
              tokens.accessToken,
              claims?.sub ?? client.skipSubjectCheck,
            ),
          )
        : undefined;
    const all: Record<string, unknown> = { ...claims, ...told };
    const { sub, sid } = all;
    if (typeof sub !== 'string' || sub === '')
      throw new ProviderUnavailable(`${this.name} did not say whose its tokens are`);
    for (const claim of OF_THE_TOKEN) delete all[claim];
    return boundedUser({
      issuer: this.issuer,
      subject: sub,
      claims: all,
      ...(typeof sid === 'string' ? { sid } : {}),
    });
  }

  async revoke(tokens: GrantTokens): Promise<void> {
    const configuration = await this.#configuration();
    if (configuration.serverMetadata().revocation_endpoint === undefined) return;
    await outcomeOf(client.tokenRevocation(configuration, tokens.refreshToken ?? tokens.accessToken));
  }

  async logoutUrl(tokens: GrantTokens, returnTo: string | undefined): Promise<string | undefined> {
    const configuration = await this.#configuration();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return client.buildEndSessionUrl(configuration, {
      ...(tokens.idToken === undefined ? {} : { id_token_hint: tokens.idToken }),
      ...(returnTo === undefined ? {} : { post_logout_redirect_uri: returnTo }),
    }).href;
  }

  async logoutNotice(token: string): Promise<LogoutNotice> {
    const { clientId } = this.#config;
    if (clientId === undefined) throw new ProviderUnavailable(`${this.name} has no clientId`);
    const { keys, nowMs } = this.#place;
    return verifyLogoutToken(token, { issuer: this.issuer, clientId, keys, nowMs: nowMs() });
  }

  async exchange(request: TokenExchange): Promise<GrantTokens> {
    const { subjectToken, subjectTokenType = ACCESS_TOKEN, requestedTokenType } = request;
    const answer = await outcomeOf(
      client.genericGrantRequest(await this.#configuration(), EXCHANGE, {
        ...this.#config.tokenParameters,
        ...tokenParameters(request),
        subject_token: subjectToken,
        subject_token_type: subjectTokenType,
        ...(requestedTokenType === undefined ? {} : { requested_token_type: requestedTokenType }),
      }),
    );
    return tokensFrom(answer, request.scopes, this.#place.nowMs());
  }

  async clientCredentials(request: TokenRequest): Promise<GrantTokens> {
    const answer = await outcomeOf(
      client.clientCredentialsGrant(await this.#configuration(), {
        ...this.#config.tokenParameters,
        ...tokenParameters(request),
      }),
    );
    return tokensFrom(answer, request.scopes, this.#place.nowMs());
  }

  /** What openid-client works with: made anew where the provider published something else. */
  async #configuration(): Promise<client.Configuration> {
    const metadata = await this.#place.metadata();
    if (this.#made?.metadata === metadata) return this.#made.configuration;
    const { clientId, clientCertificate, timeout } = this.#config;
    if (clientId === undefined) throw new ProviderRefused('invalid_client', `${this.name} has no clientId`);
    const authentication = (this.#authentication ??= new ClientAuthentication(
      clientId,
      this.#config,
      this.#place.nowMs,
    ));
    // Its type says that nothing is waited for; openid-client's own ways to sign return a promise, and are.
    const proof = ((_server, _client, form, fields) =>
      authentication.prove(fields, form, this.issuer)) satisfies ProofLater as client.ClientAuth;
    const configuration = new client.Configuration(
      withoutWeakAlgorithms(metadata),
      clientId,
      // RFC 8705 section 5
      { use_mtls_endpoint_aliases: clientCertificate !== undefined },
      proof,
    );
    configuration[client.customFetch] = (url, options) => this.#fetch(url, options);
    configuration.timeout = timeout / 1000;
    // The place's `fetch` refuses addresses that are not to be asked.
    client.allowInsecureRequests(configuration);
    this.#made = { metadata, configuration };
    return configuration;
  }

  async #fetch(url: string, options: client.CustomFetchOptions): Promise<Response> {
    const { fetch } = this.#place;
    const token = options.body instanceof URLSearchParams ? options.body.get('refresh_token') : null;
    const refresh = token === null ? undefined : this.#redeeming.get(token);
    if (refresh === undefined) return fetch(url, options);
    const { answer, idToken } = await withoutIdToken(
      await refresh.redemption.send(() => fetch(url, options)),
    );
    refresh.idToken = idToken;
    return answer;
  }
}

/** One that is under way. */
interface Refresh {
  readonly redemption: Redemption;
  /** That the provider gave, if it did: openid-client does not get to see it. */
  idToken: string | undefined;
}

/** Claims that say something of the ID token, nothing of the user. */
const OF_THE_TOKEN = [
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'at_hash',
  'c_hash',
  'jti',
  'rat',
  'typ',
];

/** ID tokens are taken with signatures of the provider's private key alone: neither none nor one of a secret that is shared. */
function withoutWeakAlgorithms(metadata: client.ServerMetadata): client.ServerMetadata {
  const { id_token_signing_alg_values_supported: supported } = metadata;
  if (supported === undefined) return metadata;
  const strong = supported.filter((name) => name !== 'none' && !name.startsWith('HS'));
  return { ...metadata, id_token_signing_alg_values_supported: strong };
}
