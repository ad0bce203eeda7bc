import { ServiceCell, TargetCell } from '../cells.ts';
import { retireTarget, returnTarget } from '../outlier/detector.ts';

/**
 * How long what is known of a target outlives it. A target that a source drops by mistake, or that restarts under its address, comes back
 * with its health and its record of ejections.
 */
export const GRACE_MS = 300_000;

/** The main thread sends no requests, so that it counts nothing and any worker's place will do. */
const NO_WORKER = 0;

interface Kept {
  readonly cell: TargetCell;
  /** Settings of the service that have the target: two while a reload goes from one to the next. */
  users: number;
  goneAtMs: number;
}

/** The cells of one service and its targets. They outlive its settings: a reload that changes these loses nothing. */
export class ServiceCells {
  readonly service: ServiceCell = new ServiceCell(ServiceCell.allocate(), NO_WORKER);
  readonly #nowMs: () => number;
  readonly #targets = new Map<string, Kept>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The cell of a target, by its URL; `release` gives it back once. */
  acquire(url: string): TargetCell {
    let kept = this.#targets.get(url);
    if (kept === undefined) {
      kept = { cell: new TargetCell(TargetCell.allocate(), NO_WORKER), users: 0, goneAtMs: 0 };
      this.#targets.set(url, kept);
    }
    if (kept.users === 0) kept.cell.sinceMs = this.#nowMs();
    kept.users++;
    return kept.cell;
  }

  /** Each release also forgets the targets whose grace is over: what is kept grows by releases alone. */
  release(urls: readonly string[]): void {
    const nowMs = this.#nowMs();
    for (const url of urls) {
      const kept = this.#targets.get(url);
      if (kept !== undefined && --kept.users === 0) kept.goneAtMs = nowMs;
    }
    this.returnGone();
    for (const [url, { cell, users, goneAtMs }] of this.#targets) {
      if (users > 0 || nowMs - goneAtMs < GRACE_MS) continue;
      retireTarget(cell, this.service);
      this.#targets.delete(url);
    }
  }

  /**
   * Targets that are gone do not count among those of the service that are out. A request that was still under way can put one there after
   * it has gone, so that this is asked for again and again.
   */
  returnGone(): void {
    for (const { cell, users } of this.#targets.values())
      if (users === 0) returnTarget(cell, this.service, this.#nowMs());
  }

  /** A worker died. Called before its successor starts. */
  forgetWorker(workerId: number): void {
    this.service.forgetWorker(workerId);
    for (const { cell } of this.#targets.values()) cell.forgetWorker(workerId);
  }
}
