import type { TargetHealth } from '../cells.ts';

export interface Thresholds {
  /** Passed checks in a row that take a target from down to up. */
  readonly healthyAfter: number;
  /** Failed checks in a row that take it from up to down. */
  readonly unhealthyAfter: number;
}

/**
 * The state machine of one target. One that is not known is used like one that is up: nothing speaks against it. The first check of a target that is not known decides at once, as in Envoy: the thresholds are against a
 * state that flaps, and there is none yet.
 */
export class HealthState {
  readonly #thresholds: Thresholds;
  #health: TargetHealth;
  /** Results in a row that speak against the state. */
  #against = 0;

  constructor(thresholds: Thresholds, health: TargetHealth = 'unknown') {
    this.#thresholds = thresholds;
    this.#health = health;
  }

  get health(): TargetHealth {
    return this.#health;
  }

  /** Takes the result of a check; whether the state changed. */
  record(passed: boolean): boolean {
    const said: TargetHealth = passed ? 'up' : 'down';
    if (said === this.#health) {
      this.#against = 0;
      return false;
    }
    this.#against++;
    if (this.#against < this.#needed()) return false;
    this.#health = said;
    this.#against = 0;
    return true;
  }

  #needed(): number {
    switch (this.#health) {
      case 'unknown':
        return 1;
      case 'up':
        return this.#thresholds.unhealthyAfter;
      case 'down':
        return this.#thresholds.healthyAfter;
    }
  }
}
