import type { Limit } from '../limiter.ts';
import { View } from './view.ts';

/** Looked at in one synchronisation, to see whether they need not be known any longer. */
const SWEPT_VIEWS = 1000;
/** Of views that are all limited, how many are compared. */
const COMPARED_VIEWS = 64;

/**
 * What a worker knows of keys: no more of them at one time than it may. One that Redis has not been told all of is never forgotten, and
 * one that is limited not before one that is not.
 */
export class Views {
  readonly #most: number;
  readonly #nowMs: () => number;
  readonly #byName = new Map<string, View>();
  /** Of these Redis is to be told; the others are in one of the next two, or Redis is being told. */
  #untold = new Set<View>();
  /** The one that was told of longest ago comes first. */
  readonly #free = new Set<View>();
  /** By what was known when they were told of: time may have freed them. */
  readonly #limited = new Set<View>();
  #sweep: Iterator<View> | undefined;

  constructor(most: number, nowMs: () => number) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#byName.size;
  }

  get untold(): number {
    return this.#untold.size;
  }

  find(name: string): View | undefined {
    return this.#byName.get(name);
  }

  /** Whether there is room for so many more, which others are forgotten for. Where there is not, Redis has to be told first. */
  makeRoom(count: number): boolean {
    while (this.#byName.size + count > this.#most) {
      const view = this.#leastUseful();
      if (view === undefined) return false;
      this.#forget(view);
    }
    return true;
  }

  /** The view of that name, made where there is none: once there is room. */
  open(name: string, limit: Limit): View {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const view = new View(name, limit, this);
    this.#byName.set(name, view);
    this.#free.add(view);
    return view;
  }

  /** The view itself, known again where it was forgotten meanwhile, or the one that took its place. */
  current(view: View): View {
    const known = this.#byName.get(view.name);
    if (known !== undefined) return known;
    this.#byName.set(view.name, view);
    return view;
  }

  now(): number {
    return this.#nowMs();
  }

  /** There is something of it to be told, or not any more. */
  settle(view: View): void {
    this.#free.delete(view);
    this.#limited.delete(view);
    if (view.pending !== 0) this.#untold.add(view);
    else {
      this.#untold.delete(view);
      if (!view.isPushing) (view.isLimitedAt(this.#nowMs()) ? this.#limited : this.#free).add(view);
    }
  }

  /** All of which there is something to be told. */
  takeUntold(): ReadonlySet<View> {
    const untold = this.#untold;
    this.#untold = new Set();
    return untold;
  }

  /** Forgets some that are whole again, and finds some that are not limited any more. */
  sweep(): void {
    const now = this.#nowMs();
    this.#sweep ??= this.#byName.values();
    for (let i = 0; i < SWEPT_VIEWS; i++) {
      const { value: view, done } = this.#sweep.next();
      if (done === true) {
        this.#sweep = undefined;
        return;
      }
      if (view.isIdle(now)) this.#forget(view);
      else if (this.#limited.has(view) && !view.isLimitedAt(now)) this.settle(view);
    }
  }

  #forget(view: View): void {
    this.#byName.delete(view.name);
    this.#free.delete(view);
    this.#limited.delete(view);
  }

  #leastUseful(): View | undefined {
    for (const view of this.#free) return view;
    const now = this.#nowMs();
    let best: View | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    let compared = 0;
    for (const view of this.#limited) {
      const freeAt = view.freeAfterMs(now);
      if (freeAt < soonest) {
        best = view;
        soonest = freeAt;
      }
      if (freeAt === 0 || ++compared === COMPARED_VIEWS) break;
    }
    return best;
  }
}
