import type { Endpoint } from './balancer.ts';

export interface Eligible<E> {
  readonly endpoints: readonly E[];
  /** So few are available that all are asked. */
  readonly panic: boolean;
}

/**
 * The endpoints that may be asked now: those that are available, unless these are less than `panicThreshold` per cent. Then it is all of
 * them, as in Envoy: the few would be overrun by what all were meant to bear, and when so many fail it may well be the checks that are
 * wrong. Those with weight 0 and those that drain are never asked and do not count. 0 switches the threshold off.
 */
export function eligible<E extends Endpoint>(all: readonly E[], panicThreshold: number): Eligible<E> {
  const candidates = all.filter(isCandidate);
  const available = candidates.filter((endpoint) => endpoint.available);
  const panic = available.length * 100 < candidates.length * panicThreshold;
  return { endpoints: panic ? candidates : available, panic };
}

/** Whether it is asked when it is available. */
export function isCandidate(endpoint: Endpoint): boolean {
  return endpoint.weight > 0 && !endpoint.draining;
}
