import { SlidingWindow } from '../sliding-window.ts';
import { type BreakerRegion, FAILURES, REQUESTS, SLOW } from './region.ts';
import type { BreakerSettings } from './schema.ts';
import { WORD } from './words.ts';

export type BreakerState = 'closed' | 'open' | 'half-open' | 'ramping';

/** Why a breaker changed its state. */
export type BreakerCause =
  | 'error-ratio'
  | 'slow-ratio'
  | 'consecutive-failures'
  | 'open-time-over'
  | 'probe-failed'
  /** All permits were out for `maxOpenFor`, and none came back. */
  | 'probes-lost'
  | 'probes-succeeded'
  | 'ramped-up';

export interface BreakerChange {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly cause: BreakerCause;
  /** How long all will be refused, when it opened; else 0. */
  readonly openMs: number;
}

/**
 * What `admit` returns: `REJECTED`, or the generation in which the request was let through, which goes back with its outcome. A
 * number, so that a request makes no garbage.
 */
export type Permit = number;
export const REJECTED: Permit = -1;

/** The low bits of the state word; the rest is the generation. Closed is 0, as fresh memory is. */
const CLOSED = 0;
const OPEN = 1;
const HALF_OPEN = 2;
const RAMPING = 3;
const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'ramping'];
const STATE_BITS = 2;
const STATE_MASK = 3;

/** Beyond it the open time has long reached any cap. */
const MOST_OPENINGS = 30;

/** Share that is let through when ramping begins: at 0 nothing would show that it is well. */
const FIRST_SHARE = 0.1;

/**
 * The circuit breaker of a service or a target, one for all workers: each has an instance over the same region.
 *
 *     closed  -- too many failed or slow -->  open  -- open time over -->  half-open
 *     half-open  -- a probe failed -->  open        half-open  -- enough succeeded -->  ramping  -- time over -->  closed
 *     ramping  -- too many failed or slow -->  open
 *
 * Counters say what happened, and a change of state is made by who finds them so and gets the lock; it alone reports the change.
 * Every opening, half-opening and closing begins a generation, and an outcome counts in the generation only in which its request
 * was let through: what began before an outage says nothing about its end.
 */
export class Breaker {
  readonly #region: BreakerRegion;
  readonly #words: Int32Array;
  readonly #window: SlidingWindow;
  readonly #settings: BreakerSettings;
  readonly #slowAfterMs: number;
  readonly #random: () => number;
  readonly #onChange: (change: BreakerChange) => void;

  /** `random` is in [0, 1). `onChange` is called by the worker that made the change, within `admit` or `record`. */
  constructor(
    region: BreakerRegion,
    settings: BreakerSettings,
    random: () => number,
    onChange: (change: BreakerChange) => void,
  ) {
    this.#region = region;
    this.#words = region.words;
    this.#window = new SlidingWindow(region.window, settings.window);
    this.#settings = settings;
    this.#slowAfterMs = settings.slowAfter ?? Number.POSITIVE_INFINITY;
    this.#random = random;
    this.#onChange = onChange;
  }

  /** Whether a request may go now. A permit is given back by `record` or `release`, exactly once. */
  admit(nowMs: number): Permit {
    const word = Atomics.load(this.#words, WORD.state);
    switch (stateOf(word)) {
      case CLOSED:
        return generationOf(word);
      case OPEN:
        return this.#admitWhileOpen(word, nowMs);
      case HALF_OPEN:
        return this.#admitWhileHalfOpen(word, nowMs);
      default:
        return this.#admitWhileRamping(word, nowMs);
    }
  }

  /** How a request that was let through ended. `latencyMs` is the time to the head of the answer, or to the failure. */
  record(permit: Permit, failed: boolean, latencyMs: number, nowMs: number): void {
    const word = Atomics.load(this.#words, WORD.state);
    if (generationOf(word) !== permit) return;
    if (stateOf(word) === HALF_OPEN) this.#recordProbe(word, failed || latencyMs > this.#slowAfterMs, nowMs);
    else this.#recordRequest(word, failed, latencyMs > this.#slowAfterMs, nowMs);
  }

  /**
   * A request that was let through ended without an outcome, such as when its client left. `waitedMs` is how long the service has had all of
   * it, -1 where it has not: that the answer would have been slow may be known by then, and clients that do not wait for slow answers would
   * keep the breaker from ever seeing one.
   */
  release(permit: Permit, waitedMs: number, nowMs: number): void {
    const word = Atomics.load(this.#words, WORD.state);
    if (generationOf(word) !== permit) return;
    const slow = waitedMs > this.#slowAfterMs;
    if (stateOf(word) !== HALF_OPEN) {
      if (slow) this.#judge(word, false, true, nowMs);
    } else if (slow) this.#recordProbe(word, true, nowMs);
    else this.#region.probes.giveBack(permit);
  }

  /** The state that a request would find. */
  state(nowMs: number): BreakerState {
    return breakerState(this.#region, nowMs);
  }

  /** For how long certainly nothing is let through; 0 where that is not known. */
  retryAfterMs(nowMs: number): number {
    const open = stateOf(Atomics.load(this.#words, WORD.state)) === OPEN;
    return open ? Math.max(0, this.#region.untilMs - nowMs) : 0;
  }

  #admitWhileOpen(word: number, nowMs: number): Permit {
    if (nowMs < this.#region.untilMs) return REJECTED;
    this.#halfOpen(word);
    // As another worker may have done meanwhile.
    const now = Atomics.load(this.#words, WORD.state);
    return stateOf(now) === HALF_OPEN ? this.#admitWhileHalfOpen(now, nowMs) : REJECTED;
  }

  #admitWhileHalfOpen(word: number, nowMs: number): Permit {
    const { probes } = this.#region;
    const generation = generationOf(word);
    if (probes.tryTake(generation, this.#settings.probes, nowMs)) return generation;
    if (probes.areOlderThan(this.#settings.maxOpenFor, nowMs)) this.#open(word, 'probes-lost', nowMs);
    return REJECTED;
  }

  #admitWhileRamping(word: number, nowMs: number): Permit {
    const { sinceMs, untilMs } = this.#region;
    if (nowMs >= untilMs) this.#endRamp(word, nowMs);
    else if (this.#random() >= Math.max(FIRST_SHARE, (nowMs - sinceMs) / (untilMs - sinceMs)))
      return REJECTED;
    return generationOf(word);
  }

  #recordRequest(word: number, failed: boolean, slow: boolean, nowMs: number): void {
    if (failed) Atomics.add(this.#words, WORD.consecutiveFailures, 1);
    else if (Atomics.load(this.#words, WORD.consecutiveFailures) !== 0)
      Atomics.store(this.#words, WORD.consecutiveFailures, 0);
    this.#judge(word, failed, slow, nowMs);
  }

  #judge(word: number, failed: boolean, slow: boolean, nowMs: number): void {
    const window = this.#window;
    window.advance(nowMs);
    window.count(REQUESTS);
    if (failed) window.count(FAILURES);
    if (slow) window.count(SLOW);
    if (!failed && !slow) return;
    const cause = this.#causeToOpen();
    if (cause !== undefined) this.#open(word, cause, nowMs);
  }

  #recordProbe(word: number, failed: boolean, nowMs: number): void {
    if (failed) this.#open(word, 'probe-failed', nowMs);
    else if (this.#region.probes.succeed(generationOf(word)) >= this.#settings.closeAfter)
      this.#close(word, nowMs);
  }

  #causeToOpen(): BreakerCause | undefined {
    const { consecutive, minRequests, errorRatio, slowRatio } = this.#settings;
    if (consecutive !== undefined && Atomics.load(this.#words, WORD.consecutiveFailures) >= consecutive)
      return 'consecutive-failures';
    const requests = this.#window.total(REQUESTS);
    if (requests < minRequests) return undefined;
    if (this.#window.total(FAILURES) / requests >= errorRatio) return 'error-ratio';
    return this.#window.total(SLOW) / requests >= slowRatio ? 'slow-ratio' : undefined;
  }

  /** Closed or ramping, or half-open again, to open. */
  #open(found: number, cause: BreakerCause, nowMs: number): void {
    if (!this.#mayChange(found)) return;
    const region = this.#region;
    const { openFor, maxOpenFor, window } = this.#settings;
    // All requests let through for a whole window: the outage is a new one.
    const stayedClosed = stateOf(found) === CLOSED && nowMs - region.sinceMs >= window;
    const openings = stayedClosed ? 0 : Atomics.load(this.#words, WORD.openings);
    const openMs = Math.min(openFor * 2 ** openings, maxOpenFor);
    Atomics.store(this.#words, WORD.openings, Math.min(openings + 1, MOST_OPENINGS));
    region.sinceMs = nowMs;
    region.untilMs = nowMs + openMs;
    this.#become(found, OPEN, nextGeneration(found), cause, openMs);
  }

  #halfOpen(found: number): void {
    if (!this.#mayChange(found)) return;
    const generation = nextGeneration(found);
    this.#region.probes.begin(generation);
    this.#become(found, HALF_OPEN, generation, 'open-time-over', 0);
  }

  /** Half-open to ramping, or to closed where there is no ramp. */
  #close(found: number, nowMs: number): void {
    if (!this.#mayChange(found)) return;
    const { rampUp } = this.#settings;
    this.#window.clear();
    Atomics.store(this.#words, WORD.consecutiveFailures, 0);
    this.#region.sinceMs = nowMs;
    this.#region.untilMs = nowMs + rampUp;
    this.#become(found, rampUp > 0 ? RAMPING : CLOSED, nextGeneration(found), 'probes-succeeded', 0);
  }

  #endRamp(found: number, nowMs: number): void {
    if (!this.#mayChange(found)) return;
    this.#region.sinceMs = nowMs;
    // The same generation: what is under way still counts.
    this.#become(found, CLOSED, generationOf(found), 'ramped-up', 0);
  }

  /**
   * Takes the lock, if the state is still the one that was found. Who does not get it leaves it be: its holder is changing the state, or
   * the next request finds the counters as this one did.
   */
  #mayChange(found: number): boolean {
    const { lock } = this.#region;
    if (!lock.tryAcquire()) return false;
    if (Atomics.load(this.#words, WORD.state) === found) return true;
    lock.release();
    return false;
  }

  /** Last, when all that belongs to the new state is there. Gives the lock back. */
  #become(found: number, state: number, generation: number, cause: BreakerCause, openMs: number): void {
    Atomics.store(this.#words, WORD.state, (generation << STATE_BITS) | state);
    this.#region.lock.release();
    const from = STATES[stateOf(found)] as BreakerState;
    this.#onChange({ from, to: STATES[state] as BreakerState, cause, openMs });
  }
}

/** The state that a request would find, also for who sends none and makes no breaker. */
export function breakerState(region: BreakerRegion, nowMs: number): BreakerState {
  const state = stateOf(Atomics.load(region.words, WORD.state));
  const over = nowMs >= region.untilMs;
  if (state === OPEN && over) return 'half-open';
  if (state === RAMPING && over) return 'closed';
  return STATES[state] as BreakerState;
}

function stateOf(word: number): number {
  return word & STATE_MASK;
}

function generationOf(word: number): number {
  return word >>> STATE_BITS;
}

function nextGeneration(word: number): number {
  return (generationOf(word) + 1) & 0x3fffffff;
}
