import type { TargetHealth } from '../cells.ts';
import type { CheckSlots } from './check-slots.ts';
import { HealthState } from './health-state.ts';
import { type CheckOutcome, failed, type Probe } from './probe.ts';
import type { ActiveHealthSettings } from './schema.ts';

/** A check that is over. */
export interface CheckResult {
  readonly passed: boolean;
  /** Why it failed; empty when it passed. */
  readonly cause: string;
  /** Unix time in milliseconds of its end. */
  readonly at: number;
  readonly tookMs: number;
}

export interface CheckerContext {
  readonly slots: CheckSlots;
  /** [0, 1) */
  readonly random: () => number;
}

/**
 * Checks one target again and again: the first time at once, the second time after some part of the interval, so that the checks of targets
 * that came together lie apart, and then at the interval with its jitter. One check at a time.
 */
export class TargetChecker {
  readonly #probe: Probe;
  readonly #settings: ActiveHealthSettings;
  readonly #context: CheckerContext;
  readonly #onChange: (health: TargetHealth, result: CheckResult) => void;
  readonly #state: HealthState;
  #last: CheckResult | undefined;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #leaveSlot: (() => void) | undefined;
  #giveUp: (() => void) | undefined;

  /** `health` is what was known of the target before; `onChange` is told when a check has changed that. */
  constructor(
    probe: Probe,
    settings: ActiveHealthSettings,
    health: TargetHealth,
    context: CheckerContext,
    onChange: (health: TargetHealth, result: CheckResult) => void,
  ) {
    this.#probe = probe;
    this.#settings = settings;
    this.#context = context;
    this.#onChange = onChange;
    this.#state = new HealthState(settings, health);
    this.#queue();
  }

  /** undefined before the first check has ended. */
  get last(): CheckResult | undefined {
    return this.#last;
  }

  /** Gives a check that is under way up. Nothing is told any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#giveUp?.();
    this.#leaveSlot?.();
  }

  #queue(): void {
    this.#leaveSlot = this.#context.slots.enter(() => this.#begin());
  }

  #begin(): void {
    const { timeout } = this.#settings;
    this.#startedMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#giveUp?.();
      this.#end(failed(`no result within ${timeout} ms`));
    }, timeout);
    this.#giveUp = this.#probe((outcome) => this.#end(outcome));
  }

  #end(outcome: CheckOutcome): void {
    clearTimeout(this.#timer);
    this.#giveUp = undefined;
    this.#leaveSlot?.();
    const first = this.#last === undefined;
    this.#last = {
      passed: outcome.passed,
      cause: outcome.passed ? '' : outcome.cause,
      at: Date.now(),
      tookMs: Math.round(performance.now() - this.#startedMs),
    };
    this.#timer = setTimeout(() => this.#queue(), this.#pauseMs(first)).unref();
    // Last, since the one who is told may close this.
    if (this.#state.record(outcome.passed)) this.#onChange(this.#state.health, this.#last);
  }

  #pauseMs(first: boolean): number {
    const { interval, jitter } = this.#settings;
    const random = this.#context.random();
    return first ? interval * random : interval * (1 + (jitter / 100) * (2 * random - 1));
  }
}
