import {
  ABSENT,
  type Absent,
  type Authenticator,
  type Finding,
  GONE,
  type Refused,
  type Unavailable,
} from '../../identity/authenticator.ts';
import type {
  Answer,
  BodyBounds,
  Challenger,
  Exchange,
  PolicyContext,
  PolicyHooks,
} from '../../policy/contract.ts';
import { authenticated } from '../../policy/principal.ts';
import { joinPrincipals } from './join-principals.ts';

/** Asks an authenticator who calls, and refuses whoever is not known. */
export class AuthHooks implements PolicyHooks, Challenger {
  readonly #authenticator: Authenticator;
  readonly #isOptional: boolean;
  readonly #count: (event: string) => void;
  readonly onResponse?: (exchange: Exchange) => void;
  /** Only where somebody is asked for a request, who need not answer when its client has left. */
  readonly onEnd?: (exchange: Exchange) => void;
  /** Only where a body is looked at: the gateway collects bodies for who has it. */
  readonly onRequestBody?: (exchange: Exchange, body: Buffer, octets: Buffer) => Answer | undefined;
  readonly requestBodyBounds?: BodyBounds | undefined;

  constructor(authenticator: Authenticator, isOptional: boolean, { count }: Pick<PolicyContext, 'count'>) {
    this.#authenticator = authenticator;
    this.#isOptional = isOptional;
    this.#count = count;
    this.requestBodyBounds = authenticator.requestBodyBounds;
    if (authenticator.onResponse !== undefined)
      this.onResponse = (exchange) => authenticator.onResponse?.(exchange);
    if (authenticator.onEnd !== undefined) this.onEnd = (exchange) => authenticator.onEnd?.(exchange);
    if (authenticator.checkBody !== undefined)
      this.onRequestBody = (exchange, _body, octets) => authenticator.checkBody?.(exchange, octets);
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const finding = this.#authenticator.authenticate(exchange);
    if (finding instanceof Promise) return finding.then((found) => this.#settle(exchange, found));
    return this.#settle(exchange, finding);
  }

  challengeOf(exchange: Exchange): string | undefined {
    return this.#authenticator.challenge(ABSENT, exchange);
  }

  close(): void {
    this.#authenticator.close?.();
  }

  #settle(exchange: Exchange, finding: Finding): Answer | undefined {
    switch (finding.kind) {
      case 'known': {
        const before = authenticated(exchange.principal);
        exchange.principal =
          before === undefined ? finding.principal : joinPrincipals(before, finding.principal);
        // Of several policies the first that has one tells whose it is, as with the principal.
        exchange.callerToken ??= finding.token;
        this.#authenticator.strip?.(exchange);
        return undefined;
      }
      case 'absent':
        if (this.#isOptional) {
          // There are no credentials, but there may be what only a trusted proxy may send.
          this.#authenticator.strip?.(exchange);
          exchange.challenger = this;
          return undefined;
        }
        this.#count('unauthenticated');
        return this.#unauthorised(exchange, finding, 'unauthenticated', NOBODY);
      case 'refused':
        this.#count('refused');
        return this.#unauthorised(exchange, finding, finding.code, finding.detail);
      case 'unavailable':
        if (finding !== GONE) this.#count('unavailable');
        return unavailable(finding);
    }
  }

  #unauthorised(exchange: Exchange, finding: Absent | Refused, code: string, detail: string): Answer {
    const { answer } = finding;
    if (answer !== undefined && (answer.status !== 401 || isScriptOfPage(exchange))) return answer;
    const challenge = this.#authenticator.challenge(finding, exchange);
    if (answer !== undefined) return challenge === undefined ? answer : challenged(answer, challenge);
    const named = challenge === undefined ? undefined : { [CHALLENGE]: challenge };
    return { status: 401, code, detail, headers: { ...named, ...this.#authenticator.answerFields } };
  }
}

const CHALLENGE = 'WWW-Authenticate';

/** One that knows the way to a login: at a challenge of Basic the browser would ask its user for a password instead. */
function isScriptOfPage({ request }: Exchange): boolean {
  return request.fields.has('sec-fetch-mode');
}

/** What one method answers, with the challenges of the others beside its own. */
function challenged(answer: Answer, challenge: string): Answer {
  const { headers = {} } = answer;
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'www-authenticate') ?? CHALLENGE;
  const own = headers[name];
  if (own === challenge) return answer;
  const all = own === undefined || challenge.includes(own) ? challenge : `${own}, ${challenge}`;
  return { ...answer, headers: { ...headers, [name]: all } };
}

const NOBODY = 'The request does not say who sends it.';

function unavailable({ code = 'provider_unavailable', detail, retryAfterMs }: Unavailable): Answer {
  const answer = { status: 503, code, detail };
  if (retryAfterMs === undefined) return answer;
  return { ...answer, headers: { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } };
}
