import type { Answer, Exchange, PolicyHooks } from '../policy/contract.ts';
import type { Limiter } from '../state/limiter.ts';
import type { Taking } from './rate-limit/taking.ts';

/**
 * A use that counts requests against limits. Those that stand next to each other and ask the same limiter, where a question takes its time, ask
 * once: the first of them for those behind it, too, each of which finds its verdict when the request comes to it.
 */
export abstract class CountingUse implements PolicyHooks {
  /** Who is asked; undefined: nobody. */
  abstract readonly limiter: Limiter | undefined;
  /** What its counts are called. */
  abstract readonly counts: readonly string[];
  /** In their order. */
  protected behind: readonly CountingUse[] = [];

  abstract onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined>;
  /**
   * What another is to ask for this one; `settle` follows. `skip`: nothing, the request is not counted here. `stop`: nothing, nor for those behind
   * it, because this one may refuse or wait without asking.
   */
  abstract prepare(exchange: Exchange): Taking | 'skip' | 'stop';
  /** The question was answered: what was prepared has its verdict, or was not asked about. The request may have ended. */
  abstract settle(exchange: Exchange, taking: Taking): void;

  askFor(behind: readonly CountingUse[]): void {
    this.behind = behind;
  }
}

/** Lets the uses among these, which are a route's in their order, ask together where they can. */
export function joinCounting(policies: readonly PolicyHooks[]): void {
  for (const [i, use] of policies.entries()) {
    if (!(use instanceof CountingUse) || use.limiter?.takeInTurn === undefined) continue;
    const counts = new Set(use.counts);
    const behind: CountingUse[] = [];
    for (const next of policies.slice(i + 1)) {
      if (isIdle(next)) continue;
      if (!(next instanceof CountingUse) || next.limiter !== use.limiter) break;
      // What both count is taken twice: the second has to see what the first took.
      if (next.counts.some((count) => counts.has(count))) break;
      for (const count of next.counts) counts.add(count);
      behind.push(next);
    }
    if (behind.length > 0) use.askFor(behind);
  }
}

/** It has nothing to say before a request is sent on. */
function isIdle(hooks: PolicyHooks): boolean {
  return hooks.onRequest === undefined && hooks.onRequestBody === undefined;
}
