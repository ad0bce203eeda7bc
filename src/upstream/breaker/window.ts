import type { BreakerRegion } from './region.ts';
import { WINDOW_BUCKETS, WORD } from './words.ts';

/** What is counted in a window: the first word of its buckets. */
export const REQUESTS: number = WORD.windowRequests;
export const FAILURES: number = WORD.windowFailures;
export const SLOW: number = WORD.windowSlow;

/**
 * Counts of the last `windowMs`, of all workers: a ring of buckets, of which everybody counts in the one that `windowNow` names. Who
 * notices that it is over empties the next one before it names it, so that no count is lost to a worker that looked a moment earlier.
 */
export class SlidingWindow {
  readonly #region: BreakerRegion;
  readonly #bucketMs: number;

  constructor(region: BreakerRegion, windowMs: number) {
    this.#region = region;
    this.#bucketMs = windowMs / WINDOW_BUCKETS;
  }

  /** Moves the window to now. Called before `count` and `total`. */
  advance(nowMs: number): void {
    const { words, lock } = this.#region;
    const now = Math.floor(nowMs / this.#bucketMs) | 0;
    // Nobody waits for the lock: until its holder is done, the bucket before gets the counts.
    if (Atomics.load(words, WORD.windowNow) === now || !lock.tryAcquire()) return;
    this.#advanceTo(now);
    lock.release();
  }

  count(what: number): void {
    const { words } = this.#region;
    Atomics.add(words, what + slotOf(Atomics.load(words, WORD.windowNow)), 1);
  }

  total(what: number): number {
    const { words } = this.#region;
    let total = 0;
    for (let slot = 0; slot < WINDOW_BUCKETS; slot++) total += Atomics.load(words, what + slot);
    return total;
  }

  /** By the holder of the lock. */
  clear(): void {
    for (let slot = 0; slot < WINDOW_BUCKETS; slot++) this.#empty(slot);
  }

  #advanceTo(now: number): void {
    const { words } = this.#region;
    const named = Atomics.load(words, WORD.windowNow);
    const passed = (now - named) | 0;
    // Another worker's clock may be a moment ahead of this one's.
    if (passed <= 0 && passed > -WINDOW_BUCKETS) return;
    if (passed < 0 || passed >= WINDOW_BUCKETS) this.clear();
    else for (let step = 1; step <= passed; step++) this.#empty(slotOf(named + step));
    Atomics.store(words, WORD.windowNow, now);
  }

  #empty(slot: number): void {
    const { words } = this.#region;
    Atomics.store(words, REQUESTS + slot, 0);
    Atomics.store(words, FAILURES + slot, 0);
    Atomics.store(words, SLOW + slot, 0);
  }
}

function slotOf(bucket: number): number {
  return (bucket >>> 0) % WINDOW_BUCKETS;
}
