/** Tries before the thread gives its processor away: the work under a lock takes less than they do. */
const TRIES = 200;
/** How long a sleeper sleeps before it looks again; whoever releases wakes nobody, which is what makes releasing cheap. */
const NAP_MS = 1;
/**
 * A holder that has a lock for so long, without a break, is dead, or was stopped: no work under one takes a thousandth of it, and on a machine that
 * is short of processors a thread waits less for its turn. Those that die are mostly known to be dead much sooner.
 */
const PATIENCE_MS = 500;
/** One lock per cache line, so that two of them do not slow each other down. */
const STRIDE = 16;
/** Beside the holder: how often the lock was taken, which tells who waits that the holder of now is not the one of before. */
const TAKINGS = 1;

/**
 * Locks in shared memory that threads wait for, but never for ever: a lock is freed when its holder is known to be dead, and taken from
 * a holder that does not let go of it.
 */
export class ShardLocks {
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #now: () => number;

  /** `words` is `WORDS` per lock, all zero at first. */
  constructor(words: Int32Array, workerId: number, now: () => number = () => performance.now()) {
    this.#words = words;
    this.#owner = workerId + 1;
    this.#now = now;
  }

  static readonly WORDS = STRIDE;

  acquire(lock: number): void {
    const at = lock * STRIDE;
    for (let i = 0; i < TRIES; i++)
      if (Atomics.compareExchange(this.#words, at, 0, this.#owner) === 0) return this.#taken(at);
    this.#wait(at);
    this.#taken(at);
  }

  /** Who has the lock is the only one to write there. */
  #taken(at: number): void {
    this.#words[at + TAKINGS] = ((this.#words[at + TAKINGS] as number) + 1) | 0;
  }

  /** A lock that was taken away meanwhile stays with who has it now. */
  release(lock: number): void {
    Atomics.compareExchange(this.#words, lock * STRIDE, this.#owner, 0);
  }

  /** A worker died: what it held is free. */
  forgetWorker(workerId: number): void {
    for (let at = 0; at < this.#words.length; at += STRIDE)
      Atomics.compareExchange(this.#words, at, workerId + 1, 0);
  }

  #wait(at: number): void {
    const words = this.#words;
    let since = this.#now();
    let seen = -1;
    let takings = 0;
    for (;;) {
      const holder = Atomics.load(words, at);
      const taken = Atomics.load(words, at + TAKINGS);
      if (holder !== seen || taken !== takings) {
        seen = holder;
        takings = taken;
        since = this.#now();
      }
      const free = holder === 0 || this.#now() - since >= PATIENCE_MS;
      if (free && Atomics.compareExchange(words, at, holder, this.#owner) === holder) return;
      if (holder !== 0) Atomics.wait(words, at, holder, NAP_MS);
    }
  }
}
