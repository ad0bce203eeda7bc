import type { ServiceCell } from '../cells.ts';
import { SlidingWindow } from '../sliding-window.ts';
import type { RetryBudgetSettings } from './budget-schema.ts';
import { REQUESTS, RETRIES } from './budget-words.ts';

/** How far back requests and retries are compared. */
const WINDOW_MS = 10_000;

/**
 * How many retries of a service there may be, over all workers: a share of the requests of clients, so that a service at which all
 * fails does not get its load twice.
 *
 * Two shares are kept. That of the requests under way, as Envoy has it, stops a burst. It does not stop requests that fail fast: few are
 * under way at once then, and the least number alone would let each of them be repeated. So the share of the last ten seconds counts too.
 */
export class RetryBudget {
  readonly #cell: ServiceCell;
  readonly #window: SlidingWindow;
  readonly #settings: RetryBudgetSettings;
  readonly #nowMs: () => number;

  /** `nowMs` is the clock of the cells, for retries: each request has the time at hand. */
  constructor(cell: ServiceCell, settings: RetryBudgetSettings, nowMs: () => number) {
    this.#cell = cell;
    this.#window = new SlidingWindow(cell.retryWindow, WINDOW_MS);
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  /** A request of a client begins, with its first attempt. */
  countRequest(nowMs: number): void {
    this.#window.advance(nowMs);
    this.#window.count(REQUESTS);
  }

  /** When a retry is decided on, before it waits: false when it must not be made. Otherwise `giveBack` belongs to it, at its end. */
  tryTake(): boolean {
    const window = this.#window;
    window.advance(this.#nowMs());
    // Looked at before it is counted: workers may make a retry too many between them, not in the long run.
    if (window.total(RETRIES) >= this.#shareOf(window.total(REQUESTS))) return false;
    if (!this.#cell.retries.tryEnter(this.#shareOf(this.#cell.inFlight.total()))) return false;
    window.count(RETRIES);
    return true;
  }

  giveBack(): void {
    this.#cell.retries.leave();
  }

  #shareOf(requests: number): number {
    const { ratio, min } = this.#settings;
    return Math.max(min, Math.floor((requests * ratio) / 100));
  }
}
