import type { Limit } from './limiter.ts';

/**
 * The most that is owed of a limit, in units times its window, and the most that a moment may be, in milliseconds times its quota. A sum of
 * two whole numbers up to here is exact: it is not above 2^53.
 */
export const MAX_EXACT = 2 ** 52;

/** The most that a window counts. */
export const MAX_COUNT = 2 ** 31 - 1;

/** How long a machine may have been up: limits are counted by milliseconds since then. */
const MAX_UPTIME_MS = 2 * 365 * 86_400_000;

/** Units that a request may cost at most; more is counted as so many. */
export const MAX_COST = 1_000_000;

/** A rate with the same meaning and the smallest whole numbers, which is what it is counted in: 100 in 60,000 ms are 1 in 600. */
export function reduced(
  quota: number,
  windowMs: number,
): { readonly quota: number; readonly windowMs: number } {
  let [divisor, rest] = [quota, windowMs];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return { quota: quota / divisor, windowMs: windowMs / divisor };
}

/** What of a limit is too large to be counted without rounding; undefined where nothing is. */
export function inexactPart({
  algorithm,
  quota,
  windowMs,
  burst,
}: Pick<Limit, 'algorithm' | 'quota' | 'windowMs' | 'burst'>): 'rate' | 'burst' | undefined {
  if (algorithm === 'concurrency') return undefined;
  if (algorithm === 'sliding-window') return quota * windowMs > MAX_EXACT ? 'rate' : undefined;
  const counted = reduced(quota, windowMs);
  if (counted.quota * MAX_UPTIME_MS > MAX_EXACT) return 'rate';
  return (burst + MAX_COST) * counted.windowMs > MAX_EXACT ? 'burst' : undefined;
}
