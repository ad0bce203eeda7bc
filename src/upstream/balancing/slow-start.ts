/** Part of its weight that a target has at the very beginning, as in Envoy: with less it would get no requests to warm up by. */
const LEAST = 0.1;

/**
 * The part of its weight that a target has when it has been there, or has been well again, for `ageMs`: it grows evenly from a tenth to
 * the whole over `rampMs`. 0 for `rampMs` is no slow start.
 */
export function slowStartFactor(ageMs: number, rampMs: number): number {
  return ageMs >= rampMs ? 1 : Math.max(LEAST, ageMs / rampMs);
}
