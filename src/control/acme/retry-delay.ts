import type { AcmeProblem } from './problem.ts';

interface Pace {
  /** After the first failure; it doubles with each further one. */
  readonly firstMs: number;
  readonly longestMs: number;
}

const MINUTE_MS = 60_000;
/** Nothing was counted against us: the server is away, or slow. */
const OUTAGE: Pace = { firstMs: 5000, longestMs: 60 * MINUTE_MS };
/** Authorities allow a few failures an hour for each name. */
const REFUSAL: Pace = { firstMs: 5 * MINUTE_MS, longestMs: 12 * 60 * MINUTE_MS };
const RATE_LIMIT: Pace = { firstMs: 60 * MINUTE_MS, longestMs: 24 * 60 * MINUTE_MS };
/** No server has us wait for longer. */
const LONGEST_RETRY_AFTER_MS = 7 * 24 * 60 * MINUTE_MS;

const OUTAGES = new Set(['unreachable', 'malformedAnswer', 'serverInternal', 'tooSlow', 'badNonce']);

/**
 * Milliseconds until an order is tried again: by what went wrong, twice as long after each failure up to a bound, half of it by chance, and
 * never sooner than the server asked for. `failures` counts from 1.
 */
export function retryDelayMs(
  { type, status, retryAfterMs }: Pick<AcmeProblem, 'type' | 'status' | 'retryAfterMs'>,
  failures: number,
  random: () => number,
): number {
  const pace = paceOf(type, status);
  const longestMs = Math.min(pace.longestMs, pace.firstMs * 2 ** Math.min(failures - 1, 20));
  const ownMs = longestMs * (0.5 + random() / 2);
  return Math.max(ownMs, Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
}

function paceOf(type: string, status: number): Pace {
  if (type === 'rateLimited' || status === 429) return RATE_LIMIT;
  return OUTAGES.has(type) || status >= 500 ? OUTAGE : REFUSAL;
}
