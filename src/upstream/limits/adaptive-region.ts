import { OwnedLock } from '../owned-lock.ts';

/** Latencies are counted by octave, each in so many parts: neighbours are 9 % apart. */
export const PARTS_OF_OCTAVE = 8;
/** From 1/16 ms to 65 s. */
export const LATENCY_BUCKETS = 20 * PARTS_OF_OCTAVE;

/** Int32 words of an adaptive limit, after its three floats. */
export const WORD = {
  lock: 6,
  /** 0 until one was computed. */
  limit: 7,
  /** Bucket of the latency without a queue; 0 is not known. */
  baseline: 8,
  /** 1 while that is measured. */
  measuring: 9,
  /** Windows in a row that ended at the least limit. */
  windowsAtMin: 10,
  /** Of the window. */
  samples: 11,
  latencies: 12,
} as const;
const WORDS = WORD.latencies + LATENCY_BUCKETS;

/** The memory of one adaptive limit, which all workers share, as one of them sees it. */
export class AdaptiveRegion {
  static readonly BYTES: number = WORDS * Int32Array.BYTES_PER_ELEMENT;
  readonly words: Int32Array;
  /** Guards the floats and the end of a window. */
  readonly lock: OwnedLock;
  readonly #floats: Float64Array;

  constructor(shared: SharedArrayBuffer, offset: number, workerId: number) {
    this.words = new Int32Array(shared, offset, WORDS);
    this.#floats = new Float64Array(shared, offset, 3);
    this.lock = new OwnedLock(this.words, WORD.lock, workerId);
  }

  /** When the window of samples ends at the earliest. Set by the holder of the lock alone. */
  get windowEndsMs(): number {
    return this.#floats[0] as number;
  }

  set windowEndsMs(ms: number) {
    this.#floats[0] = ms;
  }

  /** When the baseline is measured again. Set by the holder of the lock alone. */
  get measureAtMs(): number {
    return this.#floats[1] as number;
  }

  set measureAtMs(ms: number) {
    this.#floats[1] = ms;
  }

  /** When the measurement began that is under way. Set by the holder of the lock alone, before `measuring`. */
  get measuringSinceMs(): number {
    return this.#floats[2] as number;
  }

  set measuringSinceMs(ms: number) {
    this.#floats[2] = ms;
  }
}
