import type { Absent, Authenticator, Finding, Refused } from '../../identity/authenticator.ts';
import type { GrantFinding } from '../../identity/grants/grant-finding.ts';
import type { RouteIdentity } from '../../identity/route-identity.ts';
import { gatewayTokenOf } from '../../identity/sessions/gateway-token.ts';
import { HeldSession, heldSession } from '../../identity/sessions/held-session.ts';
import type { SentToken } from '../../identity/sessions/sent-token.ts';
import type { SessionFinding } from '../../identity/sessions/session.ts';
import type { Sessions } from '../../identity/sessions/sessions.ts';
import type { Answer, Exchange } from '../../policy/contract.ts';
import { hold } from '../../policy/held.ts';
import { FORGED, PROVIDER_AWAY, SESSIONS_AWAY, SessionAnswers } from './answers.ts';
import { worthOf } from './page-check.ts';

/** Nobody is logged in; `isOver`: any more. */
interface AbsentSession extends Absent {
  readonly isOver: boolean;
}

/** What may come of asking for a session. */
export type SessionResult = Exclude<Finding, Absent> | AbsentSession;

type Known = Extract<SessionFinding, { kind: 'known' }>;

/** Knows users by their sessions. */
export class SessionAuthenticator implements Authenticator {
  readonly method = 'session';
  readonly answers: SessionAnswers;
  readonly #sessions: Sessions;
  readonly #providers: readonly string[];
  readonly #identity: Pick<RouteIdentity, 'seenHere'>;

  constructor(sessions: Sessions, providers: readonly string[], identity: Pick<RouteIdentity, 'seenHere'>) {
    this.#identity = identity;
    this.#sessions = sessions;
    this.#providers = providers;
    this.answers = new SessionAnswers(sessions);
  }

  authenticate(exchange: Exchange): SessionResult | Promise<SessionResult> {
    const sent = gatewayTokenOf(exchange.request.fields, this.#sessions.config);
    if (sent !== undefined) {
      const found = this.#sessions.findText(sent.token);
      return found instanceof Promise
        ? found.then((one) => this.#byToken(exchange, sent, one))
        : this.#byToken(exchange, sent, found);
    }
    const finding = this.#sessions.find(exchange.request, exchange.client);
    return finding instanceof Promise
      ? finding.then((found) => this.#judge(exchange, found))
      : this.#judge(exchange, finding);
  }

  #byToken(
    exchange: Exchange,
    { scheme }: SentToken,
    finding: SessionFinding,
  ): SessionResult | Promise<SessionResult> {
    if (finding.kind === 'unavailable') return SESSIONS_AWAY;
    if (finding.kind !== 'known')
      return refusedWith('invalid_token', this.answers.wrongToken(exchange, scheme));
    if (worthOf(exchange.request, scheme, this.#sessions.origins) === 'forged') return FORGERY;
    hold(exchange, new HeldSession(finding.session, this.#sessions, true, true));
    return this.#withGrants(exchange, this.#seen(finding), 0);
  }

  /** A token is for the gateway alone. Cookies are taken off every request that is sent on, whatever its policies. */
  strip(exchange: Exchange): void {
    const { fields } = exchange.request;
    if (
      heldSession(exchange)?.byToken === true ||
      gatewayTokenOf(fields, this.#sessions.config) !== undefined
    )
      fields.delete('authorization');
  }

  challenge(_finding: Absent | Refused, { request }: Exchange): string {
    return this.answers.challengeFor(request);
  }

  #judge(exchange: Exchange, finding: SessionFinding): SessionResult | Promise<SessionResult> {
    switch (finding.kind) {
      case 'known':
        return this.#known(exchange, finding);
      case 'absent':
        return this.#absent(exchange, finding.isOver);
      case 'refused':
        return {
          kind: 'refused',
          code: 'invalid_credentials',
          detail: finding.detail,
          answer: this.answers.login(exchange, finding.isCookie),
        };
      case 'unavailable':
        return SESSIONS_AWAY;
    }
  }

  #known(exchange: Exchange, finding: Known): SessionResult | Promise<SessionResult> {
    switch (worthOf(exchange.request, finding.by, this.#sessions.origins)) {
      case 'forged':
        return FORGERY;
      case 'ignored':
        return { kind: 'absent', isOver: false, answer: this.answers.notHere(exchange) };
      case 'counts': {
        hold(exchange, new HeldSession(finding.session, this.#sessions, finding.by !== 'cookie'));
        return this.#withGrants(exchange, this.#seen(finding), 0);
      }
    }
  }

  #seen(finding: Known): Known {
    return this.#identity.seenHere(this.#sessions, finding);
  }

  /** Asks for one provider's grant after the other: all are mostly at hand. */
  #withGrants(exchange: Exchange, finding: Known, from: number): SessionResult | Promise<SessionResult> {
    const providers = this.#providers;
    for (let i = from; i < providers.length; i++) {
      const provider = providers[i] as string;
      const grant = this.#sessions.tokens.current(finding.session, provider);
      if (grant instanceof Promise)
        return grant.then((found) => {
          const problem = this.#problemOf(exchange, finding, provider, found);
          return problem ?? this.#withGrants(exchange, finding, i + 1);
        });
      const problem = this.#problemOf(exchange, finding, provider, grant);
      if (problem !== undefined) return problem;
    }
    return finding;
  }

  #problemOf(
    exchange: Exchange,
    { session }: Known,
    provider: string,
    grant: GrantFinding,
  ): SessionResult | undefined {
    switch (grant.kind) {
      case 'known':
        return undefined;
      case 'missing':
        return refusedWith('grant_required', this.answers.connect(exchange, session, provider));
      case 'unavailable':
        return grant.ofStore ? SESSIONS_AWAY : PROVIDER_AWAY;
    }
  }

  #absent(exchange: Exchange, isOver: boolean): AbsentSession {
    return { kind: 'absent', isOver, answer: this.answers.login(exchange, isOver) };
  }
}

const FORGERY = refusedWith('csrf_rejected', FORGED);

function refusedWith(code: string, answer: Answer): Refused {
  return { kind: 'refused', code, detail: answer.detail ?? '', answer };
}
