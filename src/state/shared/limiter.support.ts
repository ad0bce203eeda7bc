import type { Decision, Limit, Verdict } from '../limiter.ts';
import { LimitTable } from './limit-table.ts';
import { SharedLimiter } from './shared-limiter.ts';

/** A limit as a test writes it: by default 10 units a second, all at once if need be. */
export function limitOf(described: Partial<Limit> = {}): Limit {
  const { quota = 10, windowMs = 1000, algorithm = 'gcra' } = described;
  return { id: algorithm, algorithm, quota, windowMs, burst: quota, ...described };
}

/** Limiters of several workers on one table, on a clock that a test moves. */
export class LimitPlay {
  nowMs = 1_000_000;
  readonly shared: SharedArrayBuffer;
  readonly #limiters: readonly SharedLimiter[];

  constructor({ keys = 1000, workers = 1 } = {}) {
    this.shared = LimitTable.allocate({ keys, workers });
    this.#limiters = Array.from(
      { length: workers },
      (_, id) => new SharedLimiter(this.shared, id, () => this.nowMs),
    );
  }

  limiter(worker = 0): SharedLimiter {
    return this.#limiters[worker] as SharedLimiter;
  }

  decision(limits: readonly Limit[], worker = 0): Decision {
    return this.limiter(worker).decision(limits);
  }

  /** Takes `cost` of every limit for one key; the decision tells the rest. */
  take(
    limits: readonly Limit[],
    key = 'client',
    cost = 1,
    worker = 0,
  ): { verdict: Verdict; decision: Decision } {
    const decision = this.decision(limits, worker);
    for (const charge of decision.charges) {
      charge.key = key;
      charge.cost = cost;
    }
    return { verdict: decision.take() as Verdict, decision };
  }

  /** How many of `count` requests in a row are admitted. */
  admitted(count: number, limits: readonly Limit[], key?: string, worker?: number): number {
    let admitted = 0;
    for (let i = 0; i < count; i++) if (this.take(limits, key, 1, worker).verdict === 'taken') admitted++;
    return admitted;
  }
}
