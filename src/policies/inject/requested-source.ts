import type { CallersTokens } from '../../identity/grants/service-tokens.ts';
import { NothingToAskWith, type TokenFinding } from '../../identity/grants/token-cache.ts';
import {
  type GrantTokens,
  type Provider,
  ProviderRefused,
  type TokenRequest,
} from '../../identity/providers/provider.ts';
import { type HeldSession, heldSession } from '../../identity/sessions/held-session.ts';
import { sha256 } from '../../lib/sha256.ts';
import type { Answer, Exchange } from '../../policy/contract.ts';
import { RecordsUnavailable } from '../../state/records/records.ts';
import { unauthenticated } from '../refusals.ts';
import { awayAnswer, PROVIDER_AWAY, SessionAnswers } from '../session/answers.ts';
import type { NoToken, SourceFinding, SourceToken, TokenSource } from './token-source.ts';

export interface RequestedPlace {
  readonly tokens: CallersTokens;
  readonly provider: () => Provider;
  readonly request: TokenRequest;
}

interface RequestedToken extends SourceToken {
  readonly tokens: GrantTokens;
}

/** There is nothing to exchange. */
function nobody(exchange: Exchange): NoToken {
  const answer = { ...unauthenticated(exchange), detail: 'There is no token of a caller to exchange.' };
  return { kind: 'none', answer, isOutage: false };
}

const AWAY: NoToken = { kind: 'none', answer: awayAnswer(PROVIDER_AWAY), isOutage: true };

/** Tokens that are asked for with a request to the provider's token endpoint. */
abstract class RequestedSource {
  protected readonly place: RequestedPlace;
  protected readonly cache: CallersTokens;
  readonly #tokens = new WeakMap<GrantTokens, RequestedToken>();

  constructor(place: RequestedPlace) {
    this.place = place;
    this.cache = place.tokens;
  }

  protected found(
    exchange: Exchange,
    finding: TokenFinding | Promise<TokenFinding>,
  ): SourceFinding | Promise<SourceFinding> {
    return finding instanceof Promise
      ? finding.then((found) => this.#settled(exchange, found))
      : this.#settled(exchange, finding);
  }

  #settled(exchange: Exchange, finding: TokenFinding): SourceFinding {
    switch (finding.kind) {
      case 'known': {
        const { tokens } = finding;
        const known = this.#tokens.get(tokens) ?? { kind: 'token', token: tokens.accessToken, tokens };
        this.#tokens.set(tokens, known);
        return known;
      }
      case 'refused':
        return { kind: 'none', answer: REFUSED, isOutage: false };
      case 'unavailable':
        return AWAY;
      case 'unasked':
        return unconnected(exchange);
    }
  }
}

/** The grant that was to be exchanged is gone: its user has to connect the provider again. */
function unconnected(exchange: Exchange): NoToken {
  const held = heldSession(exchange);
  if (held === undefined) return nobody(exchange);
  const { session, sessions } = held;
  const answer = new SessionAnswers(sessions).connect(exchange, session, session.user.provider);
  return { kind: 'none', answer, isOutage: false };
}

const REFUSED: Answer = {
  status: 403,
  code: 'token_refused',
  detail: 'The identity provider gives no token for this service.',
};

/** The gateway's own token (RFC 6749 section 4.4), the same for all callers. */
export class ClientCredentialsSource extends RequestedSource implements TokenSource {
  readonly #ask = (): Promise<GrantTokens> => {
    const provider = this.place.provider();
    if (provider.clientCredentials === undefined)
      throw new ProviderRefused('unsupported_grant_type', `${provider.name} gives the gateway no tokens`);
    return provider.clientCredentials(this.place.request);
  };

  token(exchange: Exchange): SourceFinding | Promise<SourceFinding> {
    return this.found(exchange, this.cache.get('', this.#ask));
  }

  replaced(exchange: Exchange, refused: SourceToken): SourceFinding | Promise<SourceFinding> {
    return this.found(exchange, this.cache.replaced('', (refused as RequestedToken).tokens, this.#ask));
  }
}

/**
 * A token in exchange for the caller's (RFC 8693): for the access token of the session at its first provider, or the bearer token that the
 * request was authenticated by. One is asked for per session or bearer token.
 */
export class ExchangeSource extends RequestedSource implements TokenSource {
  token(exchange: Exchange): SourceFinding | Promise<SourceFinding> {
    const key = callerKey(exchange);
    if (key === undefined) return nobody(exchange);
    const held = heldSession(exchange);
    if (held === undefined || hasGrant(held)) return this.#exchanged(exchange, key);
    return readsGrant(held).then((has) => (has ? this.#exchanged(exchange, key) : unconnected(exchange)));
  }

  #exchanged(exchange: Exchange, key: string): SourceFinding | Promise<SourceFinding> {
    return this.found(
      exchange,
      this.cache.get(key, () => this.#ask(exchange)),
    );
  }

  replaced(exchange: Exchange, refused: SourceToken): SourceFinding | Promise<SourceFinding> {
    const key = callerKey(exchange);
    if (key === undefined) return nobody(exchange);
    const { tokens } = refused as RequestedToken;
    return this.found(
      exchange,
      this.cache.replaced(key, tokens, () => this.#ask(exchange)),
    );
  }

  async #ask(exchange: Exchange): Promise<GrantTokens> {
    const provider = this.place.provider();
    if (provider.exchange === undefined)
      throw new ProviderRefused('unsupported_grant_type', `${provider.name} exchanges no tokens`);
    return provider.exchange({ ...this.place.request, subjectToken: await subjectToken(exchange) });
  }
}

/** Whether the session has what is exchanged, as far as is remembered: who has disconnected it is to have nothing of it. */
function hasGrant({ session, sessions }: HeldSession): boolean {
  return sessions.grants.known(session, session.user.provider) !== undefined;
}

/** Likewise, as it is stored; while that is not known, what was exchanged before serves. */
async function readsGrant({ session, sessions }: HeldSession): Promise<boolean> {
  try {
    return (await sessions.grants.read(session, session.user.provider)) !== undefined;
  } catch (error) {
    if (error instanceof RecordsUnavailable) return true;
    throw error;
  }
}

async function subjectToken(exchange: Exchange): Promise<string> {
  const held = heldSession(exchange);
  if (held === undefined) return exchange.callerToken ?? '';
  const { session, sessions } = held;
  const grant = await sessions.tokens.current(session, session.user.provider);
  if (grant.kind === 'known') return grant.grant.accessToken;
  if (grant.kind === 'missing') throw new NothingToAskWith('the user has no token to exchange');
  throw new Error('the token to exchange cannot be had');
}

/**
 * Whose token it is. Two bearer tokens never share one: they may be of other clients or actors, and a principal that something else than the token
 * told of, such as an API key, may send those of many users. Undefined for nobody.
 */
function callerKey(exchange: Exchange): string | undefined {
  if (exchange.principal === undefined) return undefined;
  const held = heldSession(exchange);
  if (held !== undefined) return held.session.id;
  const token = exchange.callerToken;
  return token === undefined ? undefined : sha256(token);
}
