import { clockMs } from '../../lib/clock.ts';
import { messageOf } from '../../lib/message-of.ts';
import { AwaitedWork, awaitFor, stopWaiting } from '../../policy/awaited-work.ts';
import type { Answer, Exchange, PolicyContext, PolicyHooks } from '../../policy/contract.ts';
import { authenticated } from '../../policy/principal.ts';
import { FORBIDDEN, unauthenticated } from '../refusals.ts';
import type { Decision } from './decision.ts';
import { DecisionCache } from './decision-cache.ts';
import { inputOf } from './input.ts';
import type { OpaOptions } from './schema.ts';

/** A failure is told of so often at most. */
const WARN_EVERY_MS = 10_000;

const UNAVAILABLE: Answer = {
  status: 503,
  code: 'provider_unavailable',
  detail: 'Whoever decides about this request cannot be asked.',
};

/** Who is asked. */
export interface Decider {
  /** Rejects with an Error that says what went wrong, within a bound of time, or when the signal is given. */
  ask(input: string, signal: AbortSignal): Promise<Decision>;
  close(): void;
}

/** Lets a request pass when OPA says so. */
export class OpaHooks implements PolicyHooks {
  readonly #decider: Decider;
  readonly #headers: readonly string[];
  /** By name in small letters: as it is written. */
  readonly #settable: ReadonlyMap<string, string>;
  readonly #isOpen: boolean;
  readonly #cache: DecisionCache | undefined;
  readonly #context: PolicyContext;
  readonly #ask: (input: string) => AwaitedWork<Decision>;
  #warnedMs = Number.NEGATIVE_INFINITY;

  constructor(options: OpaOptions, decider: Decider, context: PolicyContext, nowMs: () => number = clockMs) {
    this.#decider = decider;
    this.#headers = options.headers.map((name) => name.toLowerCase());
    this.#settable = new Map(options.set.map((name) => [name.toLowerCase(), name]));
    this.#isOpen = options.failure === 'open';
    this.#cache = options.cache > 0 ? new DecisionCache(options.cache, nowMs) : undefined;
    this.#context = context;
    this.#ask = (input) => new AwaitedWork((signal) => decider.ask(input, signal));
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const input = inputOf(exchange, this.#headers);
    const decision = this.#cache?.get(input, this.#ask) ?? this.#ask(input);
    if (!(decision instanceof AwaitedWork)) return this.#follow(exchange, decision);
    return awaitFor(exchange, this, decision).then(
      (made) => this.#follow(exchange, made),
      // Where every client has left, nothing went wrong.
      (error: unknown) => (decision.isGivenUp ? undefined : this.#fail(error)),
    );
  }

  onEnd(exchange: Exchange): void {
    stopWaiting(exchange, this);
  }

  close(): void {
    this.#decider.close();
  }

  #follow(exchange: Exchange, decision: Decision): Answer | undefined {
    if (!decision.allow) {
      this.#context.count('denied');
      return refusal(exchange, decision);
    }
    const { fields } = exchange.request;
    for (const lower of this.#settable.keys()) fields.delete(lower);
    for (const [name, value] of Object.entries(decision.headers ?? {})) {
      const written = this.#settable.get(name.toLowerCase());
      if (written !== undefined) fields.put(name.toLowerCase(), written, value);
    }
    return undefined;
  }

  #fail(error: unknown): Answer | undefined {
    this.#context.count(this.#isOpen ? 'failed_open' : 'failed_closed');
    const now = clockMs();
    if (now - this.#warnedMs >= WARN_EVERY_MS) {
      this.#warnedMs = now;
      const what = this.#isOpen ? 'passes' : 'is refused';
      const reason = messageOf(error);
      this.#context.warn(
        `opa on route ${this.#context.route}: it cannot be asked, so the request ${what}: ${reason}`,
      );
    }
    return this.#isOpen ? undefined : UNAVAILABLE;
  }
}

/** As the decision says, or else as usual. RFC 9110 section 15.5.2: a 401 has a challenge, whoever wants it. */
function refusal(exchange: Exchange, { status, reason, headers }: Decision): Answer {
  const isKnown = authenticated(exchange.principal) !== undefined;
  const base = (status ?? (isKnown ? 403 : 401)) === 401 ? unauthenticated(exchange) : FORBIDDEN;
  if (status === undefined && reason === undefined && headers === undefined) return base;
  const isUsual = base.status === (isKnown ? 403 : 401);
  return {
    ...base,
    status: status ?? base.status,
    detail: reason ?? (isUsual ? base.detail : DENIED),
    headers: { ...base.headers, ...headers },
  };
}

const DENIED = 'The request may not pass.';
