import type { Companion } from './redis/companion.ts';

/**
 * How a limit counts. `gcra` is the generic cell rate algorithm, a token bucket that stores one time; `sliding-window` weighs the count of
 * the window before by how much of it the last window's length still covers; `concurrency` counts what is under way.
 */
export type Algorithm = 'gcra' | 'sliding-window' | 'concurrency';

/** One limit of a configuration, made once when that is loaded. All numbers are whole. */
export interface Limit {
  /** Names its counts: the same text in every worker and node, and another for every limit that counts for itself. */
  readonly id: string;
  readonly algorithm: Algorithm;
  /** Units in a window; of `concurrency` how many may be under way. At least 1. Of `gcra` the smaller the numbers, the more is exact: see `reduced`. */
  readonly quota: number;
  /** Milliseconds; 0 of `concurrency`. */
  readonly windowMs: number;
  /** Units that may be taken at once: of `gcra` as configured, otherwise the quota. At least 1. */
  readonly burst: number;
  /**
   * What limits that decide together have in common where counts are spread over several machines, so that they lie on one. Not given, it
   * is the key, which all of them count by.
   */
  readonly sharedSlot?: string;
}

/** What one request takes of one limit: what is asked, and what was found. */
export interface Charge {
  readonly limit: Limit;
  /** Who is counted. Set before `take`. */
  key: string;
  /** Units, whole, at least 0. Set before `take`; of `concurrency` it is always 1. */
  cost: number;
  /** Whether this limit by itself had room. Not every one without it need be known to be: looking may end at the first. */
  admitted: boolean;
  /** Units left after this request; 0 where it was refused for want of them. */
  remaining: number;
  /** Until the whole quota is there again if nothing more is taken; 0 of `concurrency`. */
  resetMs: number;
  /** 0 where admitted; otherwise until the same request would be. Infinity: never, it costs more than the limit ever holds. */
  retryAfterMs: number;
}

/** `unavailable`: nobody could be asked within the time that the storage has; whoever asked decides what that means. */
export type Verdict = 'taken' | 'refused' | 'unavailable';

/**
 * What one request takes of all limits of one policy. Whoever is done with one uses it again for another request, so that none is made
 * per request; it is nobody else's meanwhile.
 */
export interface Decision {
  /** One per limit, in their order. A charge whose `key` is empty is left out: it takes nothing and is admitted. */
  readonly charges: readonly Charge[];
  /**
   * Takes every charge, or none if one of them has no room: a request that is refused costs nothing. At once where the counts are in
   * memory; a promise where they are elsewhere, which never rejects. May be called again after `refused`.
   */
  take(): Verdict | Promise<Verdict>;
  /** Takes `units` more of every charge that counts costs, or gives them back when negative, room or not: what was taken turned out to be wrong. */
  correct(units: number): void;
  /** Gives back what is under way of `concurrency`. Nothing happens when nothing was taken, or the second time. */
  release(): void;
}

/**
 * What it means that a turn has no room. `refuse`: the request is refused, so that nothing is taken, of no other turn either. `pass`: it is let
 * through all the same, and that turn alone takes nothing. `wait`: it stays where it is, so that those before take and those behind are not asked.
 */
export type IfFull = 'refuse' | 'pass' | 'wait';

/** One of several decisions that are asked about at once. */
export interface Turn {
  /** Of the limiter that is asked. */
  readonly decision: Decision;
  /** What is taken with the charges or not at all, if anything. */
  readonly along: Companion | undefined;
  readonly ifFull: IfFull;
  /**
   * What came of it; undefined: it was not asked, because one before it had no room or its counts are on another server. Where only what is
   * taken along had no room it is `taken` all the same: of the charges nothing is missing. Where another turn refuses, too.
   */
  verdict: Verdict | undefined;
}

/** Where the counts of limits are: one per worker. */
export interface Limiter {
  /** Whether it always decides at once. */
  readonly isInstant: boolean;
  /** Made when a configuration is loaded, or when all that there are are in use. */
  decision(limits: readonly Limit[]): Decision;
  /**
   * Decides about each as if it were asked when those before it have been decided about, all in one question; no two count the same. There
   * only where a question takes its time. Resolves when their verdicts are there, and never rejects.
   */
  takeInTurn?(turns: readonly Turn[]): Promise<void>;
}
