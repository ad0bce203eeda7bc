/** Int32 words of what outlier detection knows of a target. */
export const WORD = {
  /** Low 32 bits of the time, 0 while it is not ejected. */
  ejectedUntil: 0,
  /** Times it was ejected, less the intervals for which it has been well since. */
  ejections: 1,
  consecutive5xx: 2,
  consecutiveGatewayErrors: 3,
  consecutiveLocalErrors: 4,
  /** Of the interval. */
  requests: 5,
  successes: 6,
  /** When an ejection that did not happen was last told, in seconds; 0 is never. */
  toldAt: 7,
} as const;
const WORDS = 8;

/** The memory of the outlier detection of one target, which all threads share. All zero is: not ejected, nothing known. */
export class OutlierRegion {
  static readonly BYTES: number = WORDS * Int32Array.BYTES_PER_ELEMENT;
  readonly words: Int32Array;

  constructor(shared: SharedArrayBuffer, offset: number) {
    this.words = new Int32Array(shared, offset, WORDS);
  }

  get ejected(): boolean {
    return Atomics.load(this.words, WORD.ejectedUntil) !== 0;
  }

  /** What is left of the ejection; 0 when it is over or there is none. */
  remainingMs(nowMs: number): number {
    const until = Atomics.load(this.words, WORD.ejectedUntil);
    return until === 0 ? 0 : Math.max(0, (until - lowWord(nowMs)) | 0);
  }

  /** False when another thread was first, or it is ejected already. */
  tryEject(untilMs: number): boolean {
    return Atomics.compareExchange(this.words, WORD.ejectedUntil, 0, heldWord(untilMs)) === 0;
  }

  /** An ejection that does not happen is told once in the time that it would have taken, not with every few requests. */
  tryTell(forMs: number, nowMs: number): boolean {
    const toldAt = Atomics.load(this.words, WORD.toldAt);
    const now = Math.floor(nowMs / 1000);
    if (toldAt !== 0 && (now - toldAt) * 1000 < forMs) return false;
    return Atomics.compareExchange(this.words, WORD.toldAt, toldAt, now) === toldAt;
  }

  /** False when it was not ejected. */
  tryReturn(): boolean {
    const until = Atomics.load(this.words, WORD.ejectedUntil);
    return (
      until !== 0 &&
      until !== RETIRED &&
      Atomics.compareExchange(this.words, WORD.ejectedUntil, until, 0) === until
    );
  }

  /** For good: no result of a request that is still under way ejects it any more. Whether it was ejected. */
  retire(): boolean {
    const until = Atomics.exchange(this.words, WORD.ejectedUntil, RETIRED);
    return until !== 0 && until !== RETIRED;
  }
}

/** In place of the end of an ejection: the target is none any more. */
const RETIRED = 1;

/** The low word of a time, or its neighbour, that means neither "not ejected" nor RETIRED. */
function heldWord(ms: number): number {
  const word = lowWord(ms);
  return word === 0 || word === RETIRED ? 2 : word;
}

/**
 * A time that fits in the word that is exchanged at once. Two such times can be compared by their difference, 24 days around: an
 * ejection is shorter, and the sweep ends it.
 */
function lowWord(ms: number): number {
  return Math.ceil(ms) | 0;
}
