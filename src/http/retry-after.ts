import { parseHttpDate } from './date.ts';

const SECONDS = /^\d+$/;
/** 31 years, which is never: longer waits would not fit into a number of milliseconds for long. */
const MOST_SECONDS = 999_999_999;

/**
 * How long Retry-After asks to wait (RFC 9110 section 10.2.3), in milliseconds from `nowMs`, which is the time of day; a date that has
 * passed is 0. undefined for what is neither seconds nor a date.
 */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  if (SECONDS.test(value)) return Math.min(Number(value), MOST_SECONDS) * 1000;
  const at = parseHttpDate(value, nowMs);
  return at === undefined ? undefined : Math.max(0, at - nowMs);
}
