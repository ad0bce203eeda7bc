import type { Verdict } from '../limiter.ts';
import { newCharges, type QuotaCounter, type QuotaTaking } from './quota.ts';
import type { QuotaTable } from './quota-table.ts';

/** Counts in memory that the workers of one machine share; the main thread keeps it on the disk. */
export class SharedQuotas implements QuotaCounter {
  readonly #table: QuotaTable;
  readonly #nowMs: () => number;

  /** `nowMs`: milliseconds since 1970. */
  constructor(table: QuotaTable, nowMs: () => number = Date.now) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  taking(): QuotaTaking {
    return new SharedTaking(this.#table, this.#nowMs);
  }
}

class SharedTaking implements QuotaTaking {
  plan = '';
  consumer = '';
  readonly charges = newCharges();
  readonly #table: QuotaTable;
  readonly #nowMs: () => number;

  constructor(table: QuotaTable, nowMs: () => number) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  take(): Verdict {
    const taken = this.#table.take(this.plan, this.consumer, this.charges, this.#nowMs());
    return taken === 'full' ? 'unavailable' : taken;
  }

  giveBack(): void {
    this.#table.giveBack(this.plan, this.consumer, this.charges);
  }
}
