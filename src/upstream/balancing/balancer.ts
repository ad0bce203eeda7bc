/** A target as a balancer sees it. The same object stands for the same target through every list that it is in. */
export interface Endpoint {
  /** host:port, unique within its service. */
  readonly name: string;
  readonly zone: string | undefined;
  /** Share of the requests, slow start included; any number from 0 on, and 0 is never picked. */
  readonly weight: number;
  /** Whether its health, its ejections and its breaker let it be asked now. */
  readonly available: boolean;
  /** On its way out: not asked, however few others there are. */
  readonly draining: boolean;
  /** Requests under way at it. */
  inFlight(): number;
  /** Its latency in milliseconds, as `PeakEwma` tells it; 0 when nothing is known. */
  latencyMs(nowMs: number): number;
}

/** An endpoint that may be asked, and its part of the requests relative to the others; above 0. */
export interface Share<E> {
  readonly endpoint: E;
  readonly weight: number;
}

/**
 * Chooses among endpoints that may be asked now. Weights are those of the moment in which it was made: whoever made it makes another
 * when a weight, an availability or the list has changed.
 */
export interface Balancer<E> {
  /**
   * The endpoint for a request; undefined only when there is none at all. `hash` is that of the request's key, as `compileHashKey`
   * makes it, for the balancer that goes by it. Those in `tried` are picked only when there are no others. Allocates nothing.
   */
  pick(hash: number | undefined, tried: readonly E[]): E | undefined;
}

/** Evenly spread over [0, 1), as `Math.random`. */
export type Random = () => number;
