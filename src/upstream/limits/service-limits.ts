import type { ServiceCell } from '../cells.ts';
import type { PoolLimits } from '../pool/pool.ts';
import type { WorkerCount } from '../worker-count.ts';
import { AdaptiveLimit } from './adaptive.ts';
import type { LimitsSettings } from './schema.ts';

/**
 * What a service takes at once, over all workers and exactly: none goes beyond a limit, and none is refused below it. Counted also where
 * nothing is limited: retry budget and status look at the counts.
 */
export class ServiceLimits implements PoolLimits {
  readonly adaptive: AdaptiveLimit | undefined;
  readonly #cell: ServiceCell;
  readonly #requests: number;
  readonly #pending: number;
  readonly #connections: number;

  /** `random` is in [0, 1). */
  constructor(cell: ServiceCell, settings: LimitsSettings, random: () => number) {
    this.#cell = cell;
    this.#requests = orNone(settings.requests);
    this.#pending = orNone(settings.pending);
    this.#connections = orNone(settings.connections);
    this.adaptive = settings.adaptive && new AdaptiveLimit(cell.adaptive, settings.adaptive, random);
  }

  /** A request of a client begins. False when it must be refused; otherwise `end` belongs to it. */
  tryBegin(): boolean {
    const { adaptive } = this;
    const limit = adaptive === undefined ? this.#requests : Math.min(this.#requests, adaptive.limit);
    return enter(this.#cell.inFlight, limit);
  }

  end(): void {
    this.#cell.inFlight.leave();
  }

  /** A request begins to wait for a connection. False when it must be refused; otherwise `endWait` belongs to it. */
  tryWait(): boolean {
    return enter(this.#cell.pending, this.#pending);
  }

  endWait(): void {
    this.#cell.pending.leave();
  }

  tryConnect(): boolean {
    return enter(this.#cell.connections, this.#connections);
  }

  connect(): void {
    this.#cell.connections.enter();
  }

  disconnected(): void {
    this.#cell.connections.leave();
  }
}

/** 0 is written for no limit. */
function orNone(limit: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}

function enter(count: WorkerCount, limit: number): boolean {
  if (limit !== Number.POSITIVE_INFINITY) return count.tryEnter(limit);
  count.enter();
  return true;
}
