import { ABSENT, type Refused } from '../../identity/authenticator.ts';
import type { Visitors } from '../../identity/sessions/visitors.ts';
import type { Answer, Challenger, Exchange, PolicyContext, PolicyHooks } from '../../policy/contract.ts';
import { type Held, heldBy, hold } from '../../policy/held.ts';
import { authenticated } from '../../policy/principal.ts';
import { joinPrincipals } from '../auth/join-principals.ts';
import { awayAnswer } from './answers.ts';
import type { SessionAuthenticator, SessionResult } from './session-authenticator.ts';

/** A cookie for the answer of a request that goes on. */
interface HeldCookie extends Held {
  readonly setCookie: string;
}

export interface SessionHooksParts {
  readonly authenticator: Pick<SessionAuthenticator, 'authenticate' | 'challenge' | 'strip'>;
  readonly isRequired: boolean;
  /** Those who are not logged in, where they have names. */
  readonly visitors: Visitors | undefined;
  readonly clearCookie: (exchange: Exchange) => string;
  readonly count: PolicyContext['count'];
}

/** Finds the session of a request; whoever has none is sent to the login, or goes on as nobody. */
export class SessionHooks implements PolicyHooks, Challenger {
  readonly #parts: SessionHooksParts;
  /** Only where a request may go on that has no session. */
  readonly onResponse?: (exchange: Exchange) => void;

  constructor(parts: SessionHooksParts) {
    this.#parts = parts;
    if (!parts.isRequired) this.onResponse = (exchange) => this.#setCookie(exchange);
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const finding = this.#parts.authenticator.authenticate(exchange);
    return finding instanceof Promise
      ? finding.then((found) => this.#settle(exchange, found))
      : this.#settle(exchange, finding);
  }

  challengeOf(exchange: Exchange): string {
    return this.#parts.authenticator.challenge(ABSENT, exchange);
  }

  #settle(exchange: Exchange, finding: SessionResult): Answer | undefined {
    const { count, isRequired } = this.#parts;
    switch (finding.kind) {
      case 'known': {
        const before = authenticated(exchange.principal);
        exchange.principal =
          before === undefined ? finding.principal : joinPrincipals(before, finding.principal);
        this.#parts.authenticator.strip(exchange);
        return undefined;
      }
      case 'absent':
        if (!isRequired) return this.#goOn(exchange, finding.isOver);
        count('unauthenticated');
        return finding.answer;
      case 'refused':
        count('refused');
        return answerOf(finding);
      case 'unavailable':
        count('unavailable');
        return awayAnswer(finding);
    }
  }

  #goOn(exchange: Exchange, isOver: boolean): undefined {
    const { visitors, clearCookie } = this.#parts;
    // Where nobody told who calls: a policy before this one knows a way that is as good.
    exchange.challenger ??= this;
    if (isOver) hold(exchange, this.#held(clearCookie(exchange)));
    else if (visitors !== undefined) {
      const visitor = visitors.of(exchange.request);
      exchange.principal ??= visitor.principal;
      if (visitor.setCookie !== undefined) hold(exchange, this.#held(visitor.setCookie));
    }
    return undefined;
  }

  #held(setCookie: string): HeldCookie {
    return { owner: this, next: undefined, setCookie };
  }

  #setCookie(exchange: Exchange): void {
    const held = heldBy<HeldCookie>(exchange, this);
    if (held !== undefined) exchange.response.fields.append('Set-Cookie', held.setCookie);
  }
}

function answerOf({ code, detail, answer }: Refused): Answer {
  return answer ?? { status: 401, code, detail };
}
