/** Tries before the thread gives its processor away: the work under a lock takes less than they do. */
const TRIES = 200;
/** How long a sleeper sleeps before it looks again; whoever releases wakes nobody, which is what makes releasing cheap. */
const NAP_MS = 1;
/**
 * Naps after which a holder is dead, or was stopped, that has not moved in the meantime: no work under a lock takes a thousandth of one. Naps
 * and not time, because the time goes on for those that a machine with too much to do lets wait, the holder among them.
 */
const PATIENCE_NAPS = 1000;
/** One lock per cache line, so that two of them do not slow each other down. */
const STRIDE = 16;
/** Bits of a held lock that tell by whom; the others tell one turn of it from the next. */
const OWNER_BITS = 8;
const OWNER = (1 << OWNER_BITS) - 1;
const TURN = (1 << (32 - OWNER_BITS)) - 1;

/**
 * Locks in shared memory that threads wait for, but never for ever: a lock is freed when its holder is known to be dead, and taken from
 * a holder that does not let go of it.
 */
export class ShardLocks {
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #patience: number;
  #turn = 0;

  /** `words` is `WORDS` per lock, all zero at first; `workerId` is below 255. `patience` is in naps, for tests. */
  constructor(words: Int32Array, workerId: number, patience = PATIENCE_NAPS) {
    this.#words = words;
    this.#owner = workerId + 1;
    this.#patience = patience;
  }

  static readonly WORDS = STRIDE;

  acquire(lock: number): void {
    const at = lock * STRIDE;
    this.#turn = (this.#turn + 1) & TURN;
    const mine = (this.#turn << OWNER_BITS) | this.#owner;
    for (let i = 0; i < TRIES; i++) if (Atomics.compareExchange(this.#words, at, 0, mine) === 0) return;
    this.#wait(at, mine);
  }

  /** A lock that was taken away meanwhile stays with who has it now. */
  release(lock: number): void {
    this.#freeFrom(this.#owner, lock * STRIDE);
  }

  /** A worker died: what it held is free. */
  forgetWorker(workerId: number): void {
    for (let at = 0; at < this.#words.length; at += STRIDE) this.#freeFrom(workerId + 1, at);
  }

  #freeFrom(owner: number, at: number): void {
    const held = Atomics.load(this.#words, at);
    if ((held & OWNER) === owner) Atomics.compareExchange(this.#words, at, held, 0);
  }

  /** Until it is free, or whoever has it has not moved for so long that it never will. */
  #wait(at: number, mine: number): void {
    const words = this.#words;
    let seen = 0;
    let naps = 0;
    for (;;) {
      const held = Atomics.load(words, at);
      if (held !== seen) naps = 0;
      seen = held;
      if (held !== 0 && naps < this.#patience) {
        Atomics.wait(words, at, held, NAP_MS);
        naps++;
      } else if (Atomics.compareExchange(words, at, held, mine) === held) return;
    }
  }
}
