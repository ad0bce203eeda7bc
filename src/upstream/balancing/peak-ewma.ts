import type { Balancer, Endpoint, Random, Share } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

/** Time in which what was observed fades to 37 %, as in Finagle and Linkerd. */
const DECAY_MS = 10_000;
/** Cost of an endpoint that has requests under way and never answered one: above any latency, so that it is tried with one request. */
const UNKNOWN_MS = 1e9;

/**
 * Latency of one target by Finagle's peak EWMA: it goes up to a peak at once and comes down exponentially with time. A target that became
 * slow is left after one slow answer, and is tried again when that has faded.
 *
 * Finagle fades its average at every look at it, and so an observation below it has next to no weight. Here it has none, which
 * makes the value independent of how often it is looked at.
 */
export class PeakEwma {
  #peakMs = 0;
  #atMs = 0;

  /** An answer took so long. Not to be told of attempts that failed early: a target that fails fast is not a fast one. */
  observe(latencyMs: number, nowMs: number): void {
    this.#peakMs = Math.max(latencyMs, this.latencyMs(nowMs));
    this.#atMs = nowMs;
  }

  /** Milliseconds; 0 before the first observation. */
  latencyMs(nowMs: number): number {
    return this.#peakMs * Math.exp(-(nowMs - this.#atMs) / DECAY_MS);
  }
}

/** Of two endpoints, the one at which a request is likely to be answered sooner: by latency, requests under way and weight. */
export function peakEwma<E extends Endpoint>(
  shares: readonly Share<E>[],
  random: Random,
  now: () => number,
): Balancer<E> {
  return new TwoChoices(shares, random, (endpoint, inFlight) => {
    const latencyMs = endpoint.latencyMs(now());
    return latencyMs === 0 && inFlight > 0 ? UNKNOWN_MS : latencyMs;
  });
}
