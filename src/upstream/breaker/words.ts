import { MAX_WORKERS } from '../worker-count.ts';

/** Parts of the sliding window: it moves on by one of them. */
export const WINDOW_BUCKETS = 10;

/** Int32 words of a breaker, after its two floats: a table of what lies where. */
export const WORD = {
  lock: 4,
  /** The generation, and in the two low bits the state. */
  state: 5,
  /** Openings since it was last closed for long. */
  openings: 6,
  consecutiveFailures: 7,
  /** Of half-open: generation, permits that are out, successes. */
  probes: 8,
  lastPermit: 9,
  /** Number of the bucket that is counted in now. */
  windowNow: 10,
  windowRequests: 11,
  windowFailures: 11 + WINDOW_BUCKETS,
  windowSlow: 11 + 2 * WINDOW_BUCKETS,
  /** Permits of each worker. */
  probeParts: 11 + 3 * WINDOW_BUCKETS,
} as const;
export const WORDS: number = WORD.probeParts + MAX_WORKERS;
