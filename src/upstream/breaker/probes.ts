import { WORD } from './words.ts';

/** One word holds the generation (12 bits), the permits that are out and the successes (10 bits each), so that they change as one. */
const COUNT_BITS = 10;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const ONE_OUT = 1 << COUNT_BITS;
const TAG_BIT = 2 * COUNT_BITS;
const TAG_MASK = 0xfff;

/** What the counts of permits and successes can hold. */
export const MAX_PROBES: number = COUNT_MASK;

/**
 * The permits of half-open: never more are out than there may be, in all workers. Each belongs to the generation of the breaker in which it
 * was given; what comes back later than that changes nothing.
 */
export class Probes {
  readonly #words: Int32Array;
  readonly #own: number;

  constructor(words: Int32Array, workerId: number) {
    this.#words = words;
    this.#own = WORD.probeParts + workerId;
  }

  /** Half-open begins: no permit is out and nothing has succeeded. */
  begin(generation: number): void {
    Atomics.store(this.#words, WORD.probes, (generation & TAG_MASK) << TAG_BIT);
  }

  /** False when `limit` are out, or the generation is over. */
  tryTake(generation: number, limit: number, nowMs: number): boolean {
    const words = this.#words;
    let word = Atomics.load(words, WORD.probes);
    for (;;) {
      if (!isOf(word, generation) || outOf(word) >= limit) return false;
      // Before the permit is out: who finds all of them out finds the time of the last one.
      Atomics.store(words, WORD.lastPermit, seconds(nowMs));
      const found = Atomics.compareExchange(words, WORD.probes, word, word + ONE_OUT);
      if (found === word) break;
      word = found;
    }
    this.#addToOwn(generation, 1);
    return true;
  }

  /** A permit comes back after a success. How many there were by now; 0 when the generation is over. */
  succeed(generation: number): number {
    return this.#comeBack(generation, 1);
  }

  /** A permit comes back without an outcome. */
  giveBack(generation: number): void {
    this.#comeBack(generation, 0);
  }

  /** How many permits are out. */
  get out(): number {
    return outOf(Atomics.load(this.#words, WORD.probes));
  }

  /** Whether the youngest permit is so old, give or take a second: while all are out, then all of them are. */
  areOlderThan(ms: number, nowMs: number): boolean {
    return (seconds(nowMs) - Atomics.load(this.#words, WORD.lastPermit)) * 1000 > ms;
  }

  /** Gives back the permits of a worker that is dead. */
  forgetWorker(workerId: number): void {
    const words = this.#words;
    const part = Atomics.exchange(words, WORD.probeParts + workerId, 0);
    const held = part & COUNT_MASK;
    let word = Atomics.load(words, WORD.probes);
    while (held > 0 && isOf(word, part >>> COUNT_BITS)) {
      const found = Atomics.compareExchange(
        words,
        WORD.probes,
        word,
        word - Math.min(held, outOf(word)) * ONE_OUT,
      );
      if (found === word) return;
      word = found;
    }
  }

  #comeBack(generation: number, successes: number): number {
    const words = this.#words;
    let word = Atomics.load(words, WORD.probes);
    for (;;) {
      if (!isOf(word, generation) || outOf(word) === 0) return 0;
      // More successes than can be counted are as good as that many.
      const added = (word & COUNT_MASK) < COUNT_MASK ? successes : 0;
      const next = word - ONE_OUT + added;
      const found = Atomics.compareExchange(words, WORD.probes, word, next);
      if (found === word) {
        this.#addToOwn(generation, -1);
        return next & COUNT_MASK;
      }
      word = found;
    }
  }

  /** Nobody else writes this worker's part while it lives. */
  #addToOwn(generation: number, by: number): void {
    const tag = generation & TAG_MASK;
    const part = Atomics.load(this.#words, this.#own);
    const count = part >>> COUNT_BITS === tag ? part & COUNT_MASK : 0;
    Atomics.store(this.#words, this.#own, (tag << COUNT_BITS) | Math.max(0, count + by));
  }
}

function isOf(word: number, generation: number): boolean {
  return word >>> TAG_BIT === (generation & TAG_MASK);
}

function outOf(word: number): number {
  return (word >>> COUNT_BITS) & COUNT_MASK;
}

/** Seconds fit in a word for 68 years; milliseconds would not for a month. */
function seconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}
