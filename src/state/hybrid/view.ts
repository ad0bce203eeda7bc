import { MAX_EXACT } from '../exactness.ts';
import type { Limit } from '../limiter.ts';
import type { Asker } from '../redis/asker.ts';
import { figuresAt } from '../redis/figures.ts';

/** Who keeps views. */
interface Keeper {
  now(): number;
  /** What of it is to be told has changed, or whether it is being told. */
  settle(view: View): void;
}

/** What a worker knows of one key of a GCRA limit: as of the last synchronisation, and what itself took since. */
export class View {
  readonly name: string;
  readonly limit: Limit;
  /** Units that Redis has not been told of, or may not have understood. */
  pending = 0;
  /** Redis is being told. */
  isPushing = false;
  #owed = 0;
  #sinceMs: number;
  readonly #keeper: Keeper;

  constructor(name: string, limit: Limit, keeper: Keeper) {
    this.name = name;
    this.limit = limit;
    this.#keeper = keeper;
    this.#sinceMs = keeper.now();
  }

  /** What is missing to the whole burst, in units times the window. */
  owedAt(nowMs: number): number {
    return Math.max(0, this.#owed - Math.max(0, nowMs - this.#sinceMs) * this.limit.quota);
  }

  /** Takes units, or gives them back when negative; returns what is owed then. */
  take(units: number, nowMs: number): number {
    this.pending += units;
    const owed = this.#become(this.owedAt(nowMs) + units * this.limit.windowMs, nowMs);
    this.#keeper.settle(this);
    return owed;
  }

  /** Nothing is lost when it is forgotten. */
  isIdle(nowMs: number): boolean {
    return this.pending === 0 && !this.isPushing && this.owedAt(nowMs) === 0;
  }

  /** There is not a unit left. */
  isLimitedAt(nowMs: number): boolean {
    return this.freeAfterMs(nowMs) > 0;
  }

  /** Milliseconds until there is a unit. */
  freeAfterMs(nowMs: number): number {
    const { quota, burst, windowMs } = this.limit;
    return Math.max(0, this.owedAt(nowMs) + (1 - burst) * windowMs) / quota;
  }

  /** What is to be told, with who waits for the answer; undefined while the answer to the last time is due. */
  push(): (Asker & { readonly operands: readonly string[] }) | undefined {
    if (this.isPushing) return undefined;
    const { algorithm, quota, windowMs, burst } = this.limit;
    const units = this.pending;
    this.pending = 0;
    this.isPushing = true;
    return {
      operands: ['1', this.name, 'force', algorithm, `${quota}`, `${windowMs}`, `${burst}`, `${units}`],
      answered: (reply) => {
        this.isPushing = false;
        const isTold = this.#learn(reply);
        if (!isTold) this.pending += units;
        this.#keeper.settle(this);
        return isTold;
      },
      // Told again, so that it counts twice rather than not at all where only the answer was lost.
      unanswered: () => {
        this.isPushing = false;
        this.pending += units;
        this.#keeper.settle(this);
      },
      // Nothing was sent meanwhile: a connection on which an answer is due is not asked again.
      late: (reply) => {
        if (!this.#learn(reply)) return;
        this.pending -= units;
        this.#keeper.settle(this);
      },
    };
  }

  /** Takes over what all have taken together, and adds what itself took since it asked. */
  #learn(reply: unknown): boolean {
    if (!Array.isArray(reply) || reply.length !== 2 || reply[0] !== 1) return false;
    const figures = figuresAt(reply, 1, 'gcra');
    if (figures === undefined) return false;
    this.#become(figures[0] + this.pending * this.limit.windowMs, this.#keeper.now());
    return true;
  }

  #become(owed: number, nowMs: number): number {
    this.#owed = Math.min(MAX_EXACT, Math.max(0, owed));
    this.#sinceMs = nowMs;
    return this.#owed;
  }
}
