import type { ServiceCell } from '../cells.ts';
import type { RetryBudgetSettings } from './budget-schema.ts';

/**
 * How many retries of a service may be under way at once, over all workers: a share of the requests of clients, so that a service at
 * which all fails does not get its load twice.
 */
export class RetryBudget {
  readonly #cell: ServiceCell;
  readonly #ratio: number;
  readonly #min: number;

  constructor(cell: ServiceCell, settings: RetryBudgetSettings) {
    this.#cell = cell;
    this.#ratio = settings.ratio;
    this.#min = settings.min;
  }

  /**
   * When a retry is decided on, before it waits: false when it must not be made. Otherwise `giveBack` belongs to it, at its end.
   */
  tryTake(): boolean {
    const allowed = Math.floor((this.#cell.inFlight.total() * this.#ratio) / 100);
    return this.#cell.retries.tryEnter(Math.max(this.#min, allowed));
  }

  giveBack(): void {
    this.#cell.retries.leave();
  }
}
