import type { ResponseHead } from '../http/response-head.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { Deadline } from '../lib/deadlines.ts';
import type { UpstreamFailure } from '../upstream/failure.ts';
import { backOffMs } from '../upstream/retry/back-off.ts';
import { isIdempotent, type RetryPolicy } from '../upstream/retry/policy.ts';
import type { Target } from '../upstream/target.ts';
import type { Attempt } from './attempt.ts';
import type { Exchange, GatewayRequest } from './exchange.ts';

/** Who makes the attempts. Both calls come by themselves, so that what they send has to be flushed; the budget is charged already. */
export interface RetryOwner {
  /** Attempts at this service until now, but for one that only made good for a kept connection that was closed. */
  readonly attempts: number;
  /** Whether the body, as far as it was sent, can be sent again; true without one. */
  readonly hasBody: boolean;
  onRetryDue(): void;
  onHedgeDue(): void;
}

/**
 * What an exchange needs beyond its first attempt: whether there is another one, and when. It is there only where that may be asked, and
 * only until the answer that is used has its head.
 */
export class Retries implements Deadline {
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Targets of attempts that did not bring the answer, or not yet. */
  readonly tried: Target[] = [];
  /** The older of two attempts that are under way. */
  rival: Attempt | undefined = undefined;
  readonly #exchange: Exchange;
  readonly #policy: RetryPolicy;
  readonly #owner: RetryOwner;
  #awaits: 'nothing' | 'retry' | 'hedge' = 'nothing';
  #informer: Attempt | undefined;

  constructor(exchange: Exchange, policy: RetryPolicy, owner: RetryOwner) {
    this.#exchange = exchange;
    this.#policy = policy;
    this.#owner = owner;
  }

  /** Whether there will be another attempt, as that one has failed. */
  followFailure(attempt: Attempt, { kind }: UpstreamFailure): boolean {
    return this.#policy.conditions.meetsFailure(kind) && this.#follow(attempt, 0);
  }

  /** The same for an answer whose status meets the conditions. */
  followAnswer(attempt: Attempt, head: ResponseHead): boolean {
    const askedMs = waitAskedBy(head);
    return askedMs <= this.#policy.retryAfterMs && this.#follow(attempt, askedMs);
  }

  #follow(attempt: Attempt, askedMs: number): boolean {
    const { route, startedMs } = this.#exchange;
    const { attempts } = this.#owner;
    const { backOff, context } = this.#policy;
    if (attempts >= this.#policy.attempts || !this.#mayRepeat(attempt)) return false;
    // On top of what was asked: clients that were all told the same time are not to come back at the same time.
    const waitMs = askedMs + backOffMs(backOff, attempts, context.random);
    // Better the answer at hand now than none later.
    if (route.timeoutMs > 0 && performance.now() - startedMs + waitMs >= route.timeoutMs) return false;
    if (!context.budget.tryTake()) return false;
    this.avoid(attempt.target);
    this.#await('retry', waitMs);
    return true;
  }

  /** What was not sent can do nothing twice. */
  #mayRepeat(attempt: Attempt): boolean {
    return (
      !attempt.sent || (this.#policy.allows(this.#exchange.request.upstreamMethod) && this.#owner.hasBody)
    );
  }

  /** Other targets are tried before that one is again. */
  avoid(target: Target): void {
    if (!this.tried.includes(target)) this.tried.push(target);
  }

  /** The request is whole: from now on the answer is waited for. If this is the first attempt, it may get company. */
  awaitHedge(): void {
    if (this.#owner.attempts === 1 && isHedged(this.#policy, this.#exchange.request) && this.#owner.hasBody)
      this.#await('hedge', this.#policy.hedgeMs);
  }

  #await(what: 'retry' | 'hedge', ms: number): void {
    const { pauses } = this.#policy.context;
    this.#awaits = what;
    // `after(0)` would be never.
    this.deadlineMs = ms === 0 ? pauses.nowMs : pauses.after(ms);
    pauses.add(this);
  }

  onDeadline(): void {
    const awaited = this.#awaits;
    this.#awaits = 'nothing';
    const { pauses, budget } = this.#policy.context;
    pauses.remove(this);
    if (awaited === 'retry') this.#owner.onRetryDue();
    else if (budget.tryTake()) this.#owner.onHedgeDue();
  }

  /** Whether the client is told an interim answer of this attempt: those of one attempt only, or it would hear the same twice. */
  mayInform(attempt: Attempt): boolean {
    this.#informer ??= attempt;
    return this.#informer === attempt;
  }

  /** No attempt follows any more, and of two only the newer one goes on. */
  stop(): void {
    const { pauses, budget } = this.#policy.context;
    if (this.#awaits === 'retry') budget.giveBack();
    if (this.#awaits !== 'nothing') pauses.remove(this);
    this.#awaits = 'nothing';
    this.rival?.cancel();
    this.rival = undefined;
  }
}

function isHedged({ hedgeMs }: RetryPolicy, { upstreamMethod, upgrade }: GatewayRequest): boolean {
  return hedgeMs > 0 && upgrade === '' && isIdempotent(upstreamMethod);
}

/** Whether the policy may send the request twice. */
export function mayRepeat(policy: RetryPolicy, request: GatewayRequest): boolean {
  return policy.allows(request.upstreamMethod) || isHedged(policy, request);
}

/** RFC 9110 sections 10.2.3 and 15.6.4, RFC 6585 section 4: how long to stay away, in milliseconds. */
function waitAskedBy({ status, fields }: ResponseHead): number {
  const value = status === 429 || status === 503 ? fields.get('retry-after') : undefined;
  return value === undefined ? 0 : (parseRetryAfter(value, Date.now()) ?? 0);
}
