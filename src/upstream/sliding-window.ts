import { OwnedLock } from './owned-lock.ts';

/** Parts of a window: it moves on by one of them. */
const BUCKETS = 10;

const LOCK = 0;
/** Number of the bucket that is counted in now. */
const NOW = 1;
const COUNTS = 2;

/** The memory of a sliding window, which all workers share, as one of them sees it. */
export class WindowRegion {
  readonly words: Int32Array;
  /** Guards the move of the window. */
  readonly lock: OwnedLock;

  /** Over `bytes(kinds)` octets from `offset` on. */
  constructor(shared: SharedArrayBuffer, offset: number, kinds: number, workerId: number) {
    this.words = new Int32Array(shared, offset, wordsOf(kinds));
    this.lock = new OwnedLock(this.words, LOCK, workerId);
  }

  /** For so many kinds of things that are counted. */
  static bytes(kinds: number): number {
    return wordsOf(kinds) * Int32Array.BYTES_PER_ELEMENT;
  }
}

/**
 * Counts of the last `windowMs`, of all workers: rings of buckets, of which everybody counts in the one that NOW names. Who notices
 * that it is over empties the next one before it names it, so that no count is lost to a worker that looked a moment earlier.
 */
export class SlidingWindow {
  readonly #words: Int32Array;
  readonly #lock: OwnedLock;
  readonly #bucketMs: number;

  constructor(region: WindowRegion, windowMs: number) {
    this.#words = region.words;
    this.#lock = region.lock;
    this.#bucketMs = windowMs / BUCKETS;
  }

  /** Moves the window to now. Called before `count` and `total`. */
  advance(nowMs: number): void {
    const now = Math.floor(nowMs / this.#bucketMs) | 0;
    // Nobody waits for the lock: until its holder is done, the bucket before gets the counts.
    if (Atomics.load(this.#words, NOW) === now || !this.#lock.tryAcquire()) return;
    this.#advanceTo(now);
    this.#lock.release();
  }

  /** Counts one more of a kind: 0, 1 and so on. */
  count(kind: number): void {
    Atomics.add(this.#words, firstOf(kind) + slotOf(Atomics.load(this.#words, NOW)), 1);
  }

  total(kind: number): number {
    const first = firstOf(kind);
    let total = 0;
    for (let slot = 0; slot < BUCKETS; slot++) total += Atomics.load(this.#words, first + slot);
    return total;
  }

  clear(): void {
    for (let slot = 0; slot < BUCKETS; slot++) this.#empty(slot);
  }

  #advanceTo(now: number): void {
    const named = Atomics.load(this.#words, NOW);
    const passed = (now - named) | 0;
    // Another worker's clock may be a moment ahead of this one's.
    if (passed <= 0 && passed > -BUCKETS) return;
    if (passed < 0 || passed >= BUCKETS) this.clear();
    else for (let step = 1; step <= passed; step++) this.#empty(slotOf(named + step));
    Atomics.store(this.#words, NOW, now);
  }

  #empty(slot: number): void {
    for (let at = COUNTS + slot; at < this.#words.length; at += BUCKETS) Atomics.store(this.#words, at, 0);
  }
}

function wordsOf(kinds: number): number {
  return COUNTS + kinds * BUCKETS;
}

function firstOf(kind: number): number {
  return COUNTS + kind * BUCKETS;
}

function slotOf(bucket: number): number {
  return (bucket >>> 0) % BUCKETS;
}
