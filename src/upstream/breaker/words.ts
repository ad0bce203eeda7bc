import { MAX_WORKERS } from '../worker-count.ts';

/** What lies where in the memory of a breaker: Int32 words, after its two floats. */
export const WORD = {
  lock: 4,
  /** The generation, and in the two low bits the state. */
  state: 5,
  /** Openings since it was last closed for long. */
  openings: 6,
  consecutiveFailures: 7,
  /** Of half-open: generation, permits that are out, successes. */
  probes: 8,
  /** When the youngest permit was given, in seconds. */
  lastPermit: 9,
  /** Permits of each worker. */
  probeParts: 10,
} as const;
export const WORDS: number = WORD.probeParts + MAX_WORKERS;
