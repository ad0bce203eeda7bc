import type { Deadlines } from '../../lib/deadlines.ts';
import type { BackOffSettings } from './back-off.ts';
import { DEFAULT_BUDGET } from './budget-schema.ts';
import { Conditions } from './conditions.ts';
import type { HedgeSettings, RetrySettings } from './schema.ts';

/** Methods of requests that may be sent twice and do once (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** How many attempts beyond the first may be under way, so that retries do not add to what makes them needed. */
export interface Budget {
  /** Whether one more may be. If so, `giveBack` is called when it has its answer, or gets none any more. */
  tryTake(): boolean;
  giveBack(): void;
}

/** What the retries of all services need of their surroundings. */
export interface RetryTimes {
  /** As the worker's deadlines, swept often enough for a wait of some milliseconds. */
  readonly pauses: Deadlines;
  /** [0, 1) */
  readonly random: () => number;
}

export interface RetryContext extends RetryTimes {
  readonly budget: Budget;
}

/** How often `pauses` is swept: the precision of a back-off. */
export const PAUSE_STEP_MS = 5;

/** When and how often a service's requests are tried again: its settings, compiled. Either of them may be missing. */
export class RetryPolicy {
  /** In all. */
  readonly attempts: number;
  readonly conditions: Conditions;
  readonly backOff: BackOffSettings;
  /** 0 is no limit. */
  readonly perTryMs: number;
  readonly retryAfterMs: number;
  readonly bodyLimitBytes: number;
  /** 0 is none. */
  readonly hedgeMs: number;
  readonly deadlines: Deadlines;
  readonly context: RetryContext;
  readonly #methods: RetrySettings['methods'];

  constructor(
    retries: RetrySettings | undefined,
    hedge: HedgeSettings | undefined,
    deadlines: Deadlines,
    context: RetryContext,
  ) {
    const retry = retries ?? HEDGE_ALONE;
    this.attempts = retry.attempts;
    this.conditions = new Conditions(retry.on);
    this.backOff = retry.backOff;
    this.perTryMs = retry.perTry;
    this.retryAfterMs = retry.retryAfter;
    this.bodyLimitBytes = retry.bodyLimit;
    this.hedgeMs = hedge?.after ?? 0;
    this.deadlines = deadlines;
    this.context = context;
    this.#methods = retry.methods;
  }

  /** Whether a request that was sent may be sent again. */
  allows(method: string): boolean {
    const methods = this.#methods;
    if (methods === 'idempotent') return isIdempotent(method);
    return methods === 'all' || methods.includes(method);
  }
}

/** No retries; of a body is kept what is kept by default, for the hedge. */
const HEDGE_ALONE: RetrySettings = {
  attempts: 1,
  on: [],
  methods: 'idempotent',
  perTry: 0,
  backOff: { base: 0, max: 0 },
  retryAfter: 0,
  bodyLimit: 64 * 1024,
  budget: DEFAULT_BUDGET,
};
