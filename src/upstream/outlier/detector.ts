import type { ServiceCell, TargetCell } from '../cells.ts';
import { type OutlierRegion, WORD } from './region.ts';
import type { OutlierSettings } from './schema.ts';
import { lowSuccessRates, type Rate } from './success-rate.ts';

/** The rule by which a target is an outlier. */
export type EjectionRule =
  | 'consecutive-5xx'
  | 'consecutive-gateway-errors'
  | 'consecutive-local-errors'
  | 'success-rate'
  | 'failure-percentage';

export interface Ejection {
  readonly rule: EjectionRule;
  /**
   * `shadow` and `too-many` say that it stays in: by configuration, or because as many are out as may be. Told once in the time
   * that it would have been out.
   */
  readonly verdict: 'ejected' | 'shadow' | 'too-many';
  /** How long it is out, or would be. */
  readonly forMs: number;
}

/** What `sweep` did with one of the targets. */
export type SweepEvent<T> =
  | { readonly kind: 'ejection'; readonly target: T; readonly ejection: Ejection }
  | { readonly kind: 'return'; readonly target: T };

/** In place of a status: the request got no answer (no connection, a reset, a timeout). */
export const NO_ANSWER = 0;

/**
 * Passive outlier detection by Envoy's rules: a target that fails while others do not is taken out for a while. Workers see the consecutive
 * rules at once; success rates, and the return of targets, are looked at by the main thread each interval.
 */
export class OutlierDetector {
  readonly #settings: OutlierSettings;

  constructor(settings: OutlierSettings) {
    this.#settings = settings;
  }

  /** In a worker, for each attempt: its status, or `NO_ANSWER`. Undefined unless the target is an outlier by it. */
  onResult(
    cell: TargetCell,
    service: ServiceCell,
    status: number,
    targetCount: number,
    nowMs: number,
  ): Ejection | undefined {
    const rule = this.#count(cell.outlier.words, status);
    return rule === undefined ? undefined : this.#eject(cell, service, rule, targetCount, nowMs);
  }

  /**
   * On the main thread, each interval, with all targets of the service: takes back whose time is over, and judges the success rates of
   * the interval.
   */
  sweep<T extends { readonly cell: TargetCell }>(
    targets: readonly T[],
    service: ServiceCell,
    nowMs: number,
  ): SweepEvent<T>[] {
    const events: SweepEvent<T>[] = [];
    for (const target of targets) {
      if (this.#review(target.cell, service, nowMs)) events.push({ kind: 'return', target });
    }
    const rates = targets.map((target) => takeRate(target.cell.outlier));
    for (const { index, rule } of lowSuccessRates(rates, this.#settings)) {
      const target = targets[index] as T;
      const ejection = this.#eject(target.cell, service, rule, targets.length, nowMs);
      if (ejection !== undefined) events.push({ kind: 'ejection', target, ejection });
    }
    return events;
  }

  #count(words: Int32Array, status: number): EjectionRule | undefined {
    const { consecutiveLocalErrors } = this.#settings;
    Atomics.add(words, WORD.requests, 1);
    if (status === NO_ANSWER && consecutiveLocalErrors > 0) {
      return reaches(words, WORD.consecutiveLocalErrors, consecutiveLocalErrors)
        ? 'consecutive-local-errors'
        : undefined;
    }
    if (status !== NO_ANSWER) zero(words, WORD.consecutiveLocalErrors);
    return isServerError(status) ? this.#countServerError(words, status) : countSuccess(words);
  }

  #countServerError(words: Int32Array, status: number): EjectionRule | undefined {
    const { consecutive5xx, consecutiveGatewayErrors } = this.#settings;
    let rule: EjectionRule | undefined;
    if (!isGatewayError(status)) zero(words, WORD.consecutiveGatewayErrors);
    else if (reaches(words, WORD.consecutiveGatewayErrors, consecutiveGatewayErrors))
      rule = 'consecutive-gateway-errors';
    if (reaches(words, WORD.consecutive5xx, consecutive5xx)) rule ??= 'consecutive-5xx';
    return rule;
  }

  #eject(
    cell: TargetCell,
    service: ServiceCell,
    rule: EjectionRule,
    targetCount: number,
    nowMs: number,
  ): Ejection | undefined {
    const { baseEjection, maxEjection, maxEjected, shadow } = this.#settings;
    const { outlier } = cell;
    if (outlier.ejected) return undefined;
    const times = Atomics.load(outlier.words, WORD.ejections) + 1;
    const forMs = Math.min(baseEjection * times, maxEjection);
    if (shadow) return outlier.tryTell(forMs, nowMs) ? { rule, verdict: 'shadow', forMs } : undefined;
    const mostOut = Math.max(1, Math.floor((targetCount * maxEjected) / 100));
    if (!service.tryCountEjection(mostOut))
      return outlier.tryTell(forMs, nowMs) ? { rule, verdict: 'too-many', forMs } : undefined;
    if (!outlier.tryEject(nowMs + forMs)) {
      service.uncountEjection();
      return undefined;
    }
    // No further than to where the time no longer grows, so that it falls again as soon as the target is well.
    if (forMs < maxEjection) Atomics.store(outlier.words, WORD.ejections, times);
    service.bumpVersion();
    return { rule, verdict: 'ejected', forMs };
  }

  /** Whether the target returns. One that was not out meanwhile is forgiven one ejection. */
  #review(cell: TargetCell, service: ServiceCell, nowMs: number): boolean {
    const { outlier } = cell;
    if (outlier.ejected) return outlier.remainingMs(nowMs) === 0 && returnTarget(cell, service, nowMs);
    const ejections = Atomics.load(outlier.words, WORD.ejections);
    if (ejections > 0) Atomics.compareExchange(outlier.words, WORD.ejections, ejections, ejections - 1);
    return false;
  }
}

/**
 * Ends an ejection before its time is over, such as when an active check finds the target well or outlier detection is no longer configured.
 * On the main thread. False when the target was not out.
 */
export function returnTarget(cell: TargetCell, service: ServiceCell, nowMs: number): boolean {
  const { outlier } = cell;
  if (!outlier.ejected) return false;
  // Before it is asked again: a few errors of requests that are still under way shall not eject it at once.
  zero(outlier.words, WORD.consecutive5xx);
  zero(outlier.words, WORD.consecutiveGatewayErrors);
  zero(outlier.words, WORD.consecutiveLocalErrors);
  cell.sinceMs = nowMs;
  if (!outlier.tryReturn()) return false;
  service.uncountEjection();
  service.bumpVersion();
  return true;
}

/** The target is no longer one of the service: it no longer counts among those that are out. On the main thread. */
export function retireTarget(cell: TargetCell, service: ServiceCell): void {
  if (cell.outlier.retire()) service.uncountEjection();
}

function countSuccess(words: Int32Array): undefined {
  Atomics.add(words, WORD.successes, 1);
  zero(words, WORD.consecutive5xx);
  zero(words, WORD.consecutiveGatewayErrors);
}

/** What was counted since the last time. Of a target that is out, nothing. */
function takeRate(outlier: OutlierRegion): Rate {
  // In the other order than they are counted: there are never more successes than requests.
  const successes = Atomics.exchange(outlier.words, WORD.successes, 0);
  const requests = Atomics.exchange(outlier.words, WORD.requests, 0);
  return outlier.ejected ? { requests: 0, successes: 0 } : { requests, successes };
}

/** Counts one more in a row. True for the one worker that finds the threshold reached; the row begins anew then. 0 is never reached. */
function reaches(words: Int32Array, at: number, threshold: number): boolean {
  if (threshold === 0 || Atomics.add(words, at, 1) + 1 !== threshold) return false;
  Atomics.store(words, at, 0);
  return true;
}

/** Looked at first: a write takes the memory from all other cores. */
function zero(words: Int32Array, at: number): void {
  if (Atomics.load(words, at) !== 0) Atomics.store(words, at, 0);
}

/** An answer that did not come is one of 503, as it will be to the client. */
function isServerError(status: number): boolean {
  return status >= 500 || status === NO_ANSWER;
}

function isGatewayError(status: number): boolean {
  return (status >= 502 && status <= 504) || status === NO_ANSWER;
}
