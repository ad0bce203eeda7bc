const SECONDS = /^\d{1,9}$/;
/** IMF-fixdate, the one form of a date that is to be sent (RFC 9110 section 5.6.7). */
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * How long Retry-After asks to wait (RFC 9110 section 10.2.3), in milliseconds from `nowMs`, which is the time of day; a date that has
 * passed is 0. undefined for what is neither seconds nor a date.
 */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  if (SECONDS.test(value)) return Number(value) * 1000;
  const at = DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
