import { clockMs } from '../../lib/clock.ts';
import { findGcra, leaveGcra } from '../findings.ts';
import type { Charge, Decision, Limit, Limiter, Verdict } from '../limiter.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { KeyNames } from '../redis/key-names.ts';
import type { View } from './view.ts';
import { Views } from './views.ts';

export interface HybridOptions {
  readonly connection: RedisConnection;
  /** Of the keys in Redis. */
  readonly prefix: string;
  /** Between two synchronisations. */
  readonly syncMs: number;
  /** Whether to go on while Redis is away, by what this worker knows; otherwise nobody can be asked then. */
  readonly goesOnAlone: boolean;
  readonly nowMs?: () => number;
  /** How many keys are known at one time; for tests. */
  readonly maxKeys?: number;
}

/** What Redis was told of makes room for more, what is not limited first. Where nothing was, a new key cannot be decided about. */
const MAX_KEYS = 100_000;

/**
 * Decides at once, by what this worker knows of each key, and tells Redis in intervals what was taken, which in turn tells what all
 * workers of all nodes took. Only GCRA: what was taken too much is owed, and so is waited for.
 *
 * Of W workers that synchronise every S milliseconds, the time for it included, all together admit in any T milliseconds at most
 * `burst + rate T + 2 (W - 1) (burst + rate S)`. For let s be the latest moment at which one had synchronised before it admitted its last
 * request of that time. It knew then of everything but what the W - 1 others had taken in the S before s, and what they took after it lies
 * within S for each, or it would have synchronised later than s. By itself each keeps the limit: within S that is `burst + rate S`.
 */
export class HybridLimiter implements Limiter {
  readonly isInstant = true;
  readonly #options: HybridOptions;
  readonly #nowMs: () => number;
  readonly #views: Views;
  /** So many keys with something to be told are not kept waiting for the next synchronisation: there would soon be no room. */
  readonly #manyUntold: number;
  /** The next time that there are so many. */
  #tellAt: number;
  readonly #timer: NodeJS.Timeout;

  constructor(options: HybridOptions) {
    const { nowMs = clockMs, maxKeys = MAX_KEYS, syncMs } = options;
    this.#options = options;
    this.#nowMs = nowMs;
    this.#views = new Views(maxKeys, nowMs);
    this.#manyUntold = Math.ceil(maxKeys / 2);
    this.#tellAt = this.#manyUntold;
    this.#timer = setInterval(() => this.sync(), syncMs);
    this.#timer.unref();
  }

  /** Every limit is one of `gcra`. */
  decision(limits: readonly Limit[]): Decision {
    const { prefix } = this.#options;
    const charges = limits.map((limit) => new HybridCharge(limit, new KeyNames(prefix, limit)));
    return new HybridDecision(charges, this.#views, this, this.#nowMs);
  }

  /** Keys that are known. */
  get size(): number {
    return this.#views.size;
  }

  get mayDecide(): boolean {
    return this.#options.goesOnAlone || this.#options.connection.isUp;
  }

  /** Something was taken. */
  tookSomething(): void {
    if (this.#views.untold >= this.#tellAt) this.#tell();
  }

  /** Tells Redis of everything that was taken since the last time. What it cannot be told stays to be told the next time. */
  sync(): void {
    this.#views.sweep();
    this.#tell();
  }

  /** Tells for the last time. */
  close(): void {
    clearInterval(this.#timer);
    this.sync();
  }

  #tell(): void {
    const { connection } = this.#options;
    if (connection.isUp) {
      for (const view of this.#views.takeUntold()) {
        const pushed = view.push();
        if (pushed === undefined) this.#views.settle(view);
        else connection.ask(pushed.operands, pushed);
      }
    }
    // What could not be told now is not tried again with each request.
    this.#tellAt = this.#views.untold + this.#manyUntold;
  }
}

class HybridCharge implements Charge {
  readonly limit: Limit;
  key = '';
  cost = 1;
  admitted = true;
  remaining = 0;
  resetMs = 0;
  retryAfterMs = 0;
  readonly #names: KeyNames;
  #named = '';
  #name = '';
  #view: View | undefined;

  constructor(limit: Limit, names: KeyNames) {
    this.limit = limit;
    this.#names = names;
  }

  /** Whether its key is known. */
  find(views: Views): boolean {
    if (this.key !== this.#named) {
      this.#name = this.#names.nameOf(this.key);
      this.#named = this.key;
    }
    this.#view = views.find(this.#name);
    return this.#view !== undefined;
  }

  look(views: Views, nowMs: number): void {
    const view = views.open(this.#name, this.limit);
    this.#view = view;
    this.admitted = findGcra(this, view.owedAt(nowMs));
  }

  /** After a look. */
  take(units: number, nowMs: number): void {
    if (this.#view !== undefined) leaveGcra(this, this.#view.take(units, nowMs));
  }

  /** After something was taken. */
  correct(units: number, views: Views, nowMs: number): void {
    if (this.#view === undefined || units === 0) return;
    this.#view = views.current(this.#view);
    this.take(units, nowMs);
  }
}

class HybridDecision implements Decision {
  readonly charges: readonly HybridCharge[];
  readonly #views: Views;
  readonly #limiter: HybridLimiter;
  readonly #nowMs: () => number;
  #isTaken = false;

  constructor(charges: readonly HybridCharge[], views: Views, limiter: HybridLimiter, nowMs: () => number) {
    this.charges = charges;
    this.#views = views;
    this.#limiter = limiter;
    this.#nowMs = nowMs;
  }

  take(): Verdict {
    this.#isTaken = false;
    if (!this.#limiter.mayDecide) return 'unavailable';
    let unknown = 0;
    for (const charge of this.charges) {
      charge.admitted = true;
      if (charge.key !== '' && !charge.find(this.#views)) unknown++;
    }
    if (unknown > 0 && !this.#views.makeRoom(unknown)) return 'unavailable';
    const nowMs = this.#nowMs();
    let admitted = true;
    for (const charge of this.charges) {
      if (charge.key === '') continue;
      charge.look(this.#views, nowMs);
      if (!charge.admitted) admitted = false;
    }
    if (!admitted) return 'refused';
    for (const charge of this.charges) if (charge.key !== '') charge.take(charge.cost, nowMs);
    this.#isTaken = true;
    this.#limiter.tookSomething();
    return 'taken';
  }

  correct(units: number): void {
    if (!this.#isTaken) return;
    const nowMs = this.#nowMs();
    for (const charge of this.charges) if (charge.key !== '') charge.correct(units, this.#views, nowMs);
  }

  release(): void {
    this.#isTaken = false;
  }
}
