import {
  ABSENT,
  type Absent,
  type Authenticator,
  type Finding,
  type Refused,
} from '../../identity/authenticator.ts';
import type { RouteIdentity } from '../../identity/route-identity.ts';
import { gatewayTokenOf } from '../../identity/sessions/gateway-token.ts';
import type { SessionConfig } from '../../identity/sessions/schema.ts';
import type { Sessions } from '../../identity/sessions/sessions.ts';
import type { Exchange } from '../../policy/contract.ts';
import { SessionAuthenticator } from '../session/session-authenticator.ts';

/** Knows users by the tokens that they made, not by their cookies or devices. */
export class PersonalTokenAuthenticator implements Authenticator {
  readonly method = 'personal-access-token';
  readonly #inner: SessionAuthenticator;
  readonly #sessions: Sessions;
  readonly #kinds: Pick<SessionConfig, 'devices' | 'tokens'>;

  constructor(sessions: Sessions, providers: readonly string[], identity: Pick<RouteIdentity, 'seenHere'>) {
    this.#sessions = sessions;
    this.#inner = new SessionAuthenticator(sessions, providers, identity);
    this.#kinds = { devices: false, tokens: sessions.config.tokens };
  }

  authenticate(exchange: Exchange): Finding | Promise<Finding> {
    return this.#has(exchange) ? this.#inner.authenticate(exchange) : ABSENT;
  }

  challenge(_finding: Absent | Refused, { request }: Exchange): string {
    return this.#sessions.challenge.forToken(request.fields);
  }

  strip(exchange: Exchange): void {
    if (this.#has(exchange)) this.#inner.strip(exchange);
  }

  #has({ request }: Exchange): boolean {
    return gatewayTokenOf(request.fields, this.#kinds) !== undefined;
  }
}
