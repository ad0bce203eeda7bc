import type { GrantFinding } from '../../identity/grants/grant-finding.ts';
import { type HeldSession, heldSession } from '../../identity/sessions/held-session.ts';
import type { Grant } from '../../identity/sessions/session.ts';
import type { Exchange } from '../../policy/contract.ts';
import { unauthenticated } from '../refusals.ts';
import { awayAnswer, PROVIDER_AWAY, SESSIONS_AWAY, SessionAnswers } from '../session/answers.ts';
import type { SourceFinding, SourceToken, TokenSource } from './token-source.ts';

interface GrantToken extends SourceToken {
  readonly grant: Grant;
}

/** The token that the session of the request has of a provider. */
export class GrantSource implements TokenSource {
  readonly #provider: string;
  /** A grant that is remembered is one object for many requests. */
  readonly #tokens = new WeakMap<Grant, GrantToken>();

  constructor(provider: string) {
    this.#provider = provider;
  }

  token(exchange: Exchange): SourceFinding | Promise<SourceFinding> {
    const held = heldSession(exchange);
    if (held === undefined)
      return {
        kind: 'none',
        answer: { ...unauthenticated(exchange), detail: 'Nobody is logged in.' },
        isOutage: false,
      };
    const { session, sessions } = held;
    const finding = sessions.tokens.current(session, this.#provider);
    return finding instanceof Promise
      ? finding.then((found) => this.#found(exchange, held, found))
      : this.#found(exchange, held, finding);
  }

  replaced(exchange: Exchange, refused: SourceToken): SourceFinding | Promise<SourceFinding> {
    const held = heldSession(exchange);
    if (held === undefined) return refused;
    const { session, sessions } = held;
    const finding = sessions.tokens.replaced(session, (refused as GrantToken).grant);
    return finding instanceof Promise
      ? finding.then((found) => this.#found(exchange, held, found))
      : this.#found(exchange, held, finding);
  }

  #found(exchange: Exchange, { session, sessions }: HeldSession, finding: GrantFinding): SourceFinding {
    switch (finding.kind) {
      case 'known': {
        const known = this.#tokens.get(finding.grant);
        if (known !== undefined) return known;
        const made: GrantToken = { kind: 'token', token: finding.grant.accessToken, grant: finding.grant };
        this.#tokens.set(finding.grant, made);
        return made;
      }
      case 'missing': {
        const answer = new SessionAnswers(sessions).connect(exchange, session, this.#provider);
        return { kind: 'none', answer, isOutage: false };
      }
      case 'unavailable':
        return {
          kind: 'none',
          answer: awayAnswer(finding.ofStore ? SESSIONS_AWAY : PROVIDER_AWAY),
          isOutage: true,
        };
    }
  }
}
