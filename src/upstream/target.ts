import { clockMs } from '../lib/clock.ts';
import type { Endpoint } from './balancing/balancer.ts';
import { PeakEwma } from './balancing/peak-ewma.ts';
import { slowStartFactor } from './balancing/slow-start.ts';
import { Breaker, type BreakerChange, type Permit, REJECTED } from './breaker/breaker.ts';
import type { BreakerSettings } from './breaker/schema.ts';
import type { ServiceCell, TargetCell } from './cells.ts';
import type { TargetDescription } from './discovery/target-description.ts';
import type { UpstreamFailureKind } from './failure.ts';
import { type Ejection, NO_ANSWER, type OutlierDetector } from './outlier/detector.ts';
import type { Pool } from './pool/pool.ts';

/** What became of an attempt: the status of its answer, how it failed, or that nobody waited for it any longer. */
export type Outcome = number | UpstreamFailureKind | 'abandoned';

/** What the targets of a service have in common. */
export interface TargetSurroundings {
  readonly breaker: BreakerSettings | undefined;
  readonly outlier: OutlierDetector | undefined;
  /** [0, 1) */
  readonly random: () => number;
  readonly service: ServiceCell;
  /** Latencies are wanted by the balancer. */
  readonly timed: boolean;
  /** 0 is none. */
  readonly slowStartMs: number;
  /** How many targets the service has now. */
  targetCount(): number;
  breakerChanged(target: Target, change: BreakerChange): void;
  ejected(target: Target, ejection: Ejection): void;
}

/**
 * One address at which a service runs. Every attempt passes by here: it begins, has an outcome and is over. What watches over targets
 * learns of it in these three places.
 */
export class Target implements Endpoint {
  /** host:port, for log and metrics. */
  readonly name: string;
  /** Host field when the service is asked under its own name: no default port. */
  readonly authority: string;
  readonly pool: Pool;
  readonly cell: TargetCell;
  readonly breaker: Breaker | undefined;
  /** As of the last `refresh`. */
  available = true;
  draining = false;
  weight = 0;
  zone: string | undefined = undefined;
  readonly #surroundings: TargetSurroundings;
  readonly #latency: PeakEwma | undefined;

  constructor(
    address: { readonly name: string; readonly authority: string },
    pool: Pool,
    cell: TargetCell,
    surroundings: TargetSurroundings,
  ) {
    this.name = address.name;
    this.authority = address.authority;
    this.pool = pool;
    this.cell = cell;
    this.#surroundings = surroundings;
    this.#latency = surroundings.timed ? new PeakEwma() : undefined;
    const { breaker } = surroundings;
    this.breaker =
      breaker &&
      new Breaker(cell.breaker, breaker, surroundings.random, (change) =>
        surroundings.breakerChanged(this, change),
      );
  }

  /** Takes over what is known of it now, for the next balancer. */
  refresh({ weight, zone, draining }: TargetDescription, nowMs: number): void {
    const { cell, breaker } = this;
    this.zone = zone;
    this.draining = draining === true || cell.draining;
    this.weight = weight * this.#warmth(nowMs);
    this.available = cell.health !== 'down' && !cell.outlier.ejected && breaker?.state(nowMs) !== 'open';
  }

  /** From when on `refresh` would find something else by the mere passing of time; Infinity when it would not. */
  changesAtMs(nowMs: number): number {
    const { breaker } = this;
    if (this.#warmth(nowMs) < 1)
      return nowMs + Math.max(LEAST_WARMING_STEP_MS, this.#surroundings.slowStartMs / WARMING_STEPS);
    return breaker?.state(nowMs) === 'open' ? nowMs + breaker.retryAfterMs(nowMs) : Number.POSITIVE_INFINITY;
  }

  #warmth(nowMs: number): number {
    return slowStartFactor(nowMs - this.cell.sinceMs, this.#surroundings.slowStartMs);
  }

  inFlight(): number {
    return this.cell.inFlight.total();
  }

  latencyMs(nowMs: number): number {
    return this.#latency?.latencyMs(nowMs) ?? 0;
  }

  /** An attempt begins. `REJECTED` when it may not: then nothing else is told of it. What is returned comes back with its outcome. */
  begin(): Permit {
    const permit = this.breaker === undefined ? 0 : this.breaker.admit(clockMs());
    if (permit !== REJECTED) this.cell.inFlight.enter();
    return permit;
  }

  /**
   * What became of an attempt: once, with the head of its answer or when it is sure that none comes. `latencyMs` is from the end of waiting
   * for a connection to the head, -1 where nothing was sent; of an attempt that was abandoned, how long the target had all of it, or -1.
   */
  report(permit: Permit, outcome: Outcome, latencyMs: number): void {
    const { breaker } = this;
    const { outlier } = this.#surroundings;
    if (breaker === undefined && outlier === undefined && this.#latency === undefined) return;
    const nowMs = clockMs();
    if (saysNothing(outcome)) {
      breaker?.release(permit, latencyMs, nowMs);
      return;
    }
    breaker?.record(permit, isFailed(outcome), Math.max(0, latencyMs), nowMs);
    if (typeof outcome === 'number') this.#latency?.observe(latencyMs, nowMs);
    if (outlier !== undefined) this.#judge(outlier, typeof outcome === 'number' ? outcome : NO_ANSWER, nowMs);
  }

  #judge(outlier: OutlierDetector, status: number, nowMs: number): void {
    const surroundings = this.#surroundings;
    const ejection = outlier.onResult(
      this.cell,
      surroundings.service,
      status,
      surroundings.targetCount(),
      nowMs,
    );
    if (ejection !== undefined) surroundings.ejected(this, ejection);
  }

  /**
   * An attempt is over, once for each that began: it takes nothing of the target any more. `broken` tells how its answer broke off, after its
   * head was reported.
   */
  end(broken: UpstreamFailureKind | undefined): void {
    this.cell.inFlight.leave();
    const { outlier } = this.#surroundings;
    if (broken !== undefined && outlier !== undefined) this.#judge(outlier, NO_ANSWER, clockMs());
  }
}

/** A weight that grows does so in steps: each makes a new balancer, which with `hash` and thousands of targets takes tenths of a second. */
const WARMING_STEPS = 20;
const LEAST_WARMING_STEP_MS = 500;

/** A kept connection that was closed is mended elsewhere, and what the gateway itself does not send says nothing of its target. */
export function saysNothing(outcome: Outcome): outcome is 'abandoned' | 'stale' | 'overloaded' {
  return outcome === 'abandoned' || outcome === 'stale' || outcome === 'overloaded';
}

/** Whether an answer was waited for in vain. */
export function isTimeout(outcome: Outcome): boolean {
  return outcome === 'first_byte_timeout' || outcome === 'try_timeout';
}

/** Whether a breaker counts it as failed. */
export function isFailed(outcome: Outcome): boolean {
  return typeof outcome === 'string' || outcome >= 500;
}
