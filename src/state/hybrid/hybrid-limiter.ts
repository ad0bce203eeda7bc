import { clockMs } from '../../lib/clock.ts';
import { findGcra, leaveGcra } from '../findings.ts';
import type { Charge, Decision, Limit, Limiter, Verdict } from '../limiter.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { KeyNames } from '../redis/key-names.ts';
import { View } from './view.ts';

export interface HybridOptions {
  readonly connection: RedisConnection;
  /** Of the keys in Redis. */
  readonly prefix: string;
  /** Between two synchronisations. */
  readonly syncMs: number;
  /** Whether to go on while Redis is away, by what this worker knows; otherwise nobody can be asked then. */
  readonly goesOnAlone: boolean;
  readonly nowMs?: () => number;
}

/** More keys than that are not known at one time: the ones that came first are forgotten. */
const MAX_VIEWS = 100_000;
/** Looked at in one synchronisation, to see whether they need not be known any longer. */
const SWEPT_VIEWS = 1000;

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
  readonly #views = new Map<string, View>();
  #changed = new Set<View>();
  #sweep: Iterator<View> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(options: HybridOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? clockMs;
    this.#timer = setInterval(() => this.sync(), options.syncMs);
    this.#timer.unref();
  }

  /** Every limit is one of `gcra`. */
  decision(limits: readonly Limit[]): Decision {
    const { connection, goesOnAlone, prefix } = this.#options;
    const charges = limits.map((limit) => new HybridCharge(limit, new KeyNames(prefix, limit), this));
    const mayDecide = () => goesOnAlone || connection.isUp;
    return new HybridDecision(charges, mayDecide, this.#nowMs);
  }

  /** Keys that are known. */
  get size(): number {
    return this.#views.size;
  }

  viewOf(name: string, limit: Limit): View {
    const known = this.#views.get(name);
    if (known !== undefined) return known;
    if (this.#views.size >= MAX_VIEWS) this.#forgetOldest();
    const view = new View(name, limit, this.#nowMs);
    this.#views.set(name, view);
    return view;
  }

  changed(view: View): void {
    this.#changed.add(view);
  }

  /** Tells Redis of everything that was taken since the last time. What it cannot be told stays to be told the next time. */
  sync(): void {
    this.#forgetFull();
    const { connection } = this.#options;
    if (!connection.isUp) return;
    const changed = this.#changed;
    this.#changed = new Set();
    for (const view of changed) {
      const pushed = view.push();
      if (pushed !== undefined) connection.ask(pushed.operands, pushed);
      if (view.pending !== 0) this.#changed.add(view);
    }
  }

  /** Tells for the last time. */
  close(): void {
    clearInterval(this.#timer);
    this.sync();
  }

  #forgetFull(): void {
    const now = this.#nowMs();
    this.#sweep ??= this.#views.values();
    for (let i = 0; i < SWEPT_VIEWS; i++) {
      const { value: view, done } = this.#sweep.next();
      if (done === true) {
        this.#sweep = undefined;
        return;
      }
      if (view.isIdle(now)) this.#views.delete(view.name);
    }
  }

  #forgetOldest(): void {
    for (const [name, view] of this.#views) {
      this.#views.delete(name);
      this.#changed.delete(view);
      return;
    }
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
  readonly #limiter: HybridLimiter;
  #named = '';
  #name = '';
  #view: View | undefined;

  constructor(limit: Limit, names: KeyNames, limiter: HybridLimiter) {
    this.limit = limit;
    this.#names = names;
    this.#limiter = limiter;
  }

  look(nowMs: number): void {
    if (this.key !== this.#named) {
      this.#name = this.#names.nameOf(this.key);
      this.#named = this.key;
    }
    this.#view = this.#limiter.viewOf(this.#name, this.limit);
    this.admitted = findGcra(this, this.#view.owedAt(nowMs));
  }

  /** After a look. */
  take(units: number, nowMs: number): void {
    const view = this.#view;
    if (view === undefined) return;
    leaveGcra(this, view.take(units, nowMs));
    if (units !== 0) this.#limiter.changed(view);
  }
}

class HybridDecision implements Decision {
  readonly charges: readonly HybridCharge[];
  readonly #mayDecide: () => boolean;
  readonly #nowMs: () => number;
  #isTaken = false;

  constructor(charges: readonly HybridCharge[], mayDecide: () => boolean, nowMs: () => number) {
    this.charges = charges;
    this.#mayDecide = mayDecide;
    this.#nowMs = nowMs;
  }

  take(): Verdict {
    this.#isTaken = false;
    if (!this.#mayDecide()) return 'unavailable';
    const nowMs = this.#nowMs();
    let admitted = true;
    for (const charge of this.charges) {
      charge.admitted = true;
      if (charge.key === '') continue;
      charge.look(nowMs);
      if (!charge.admitted) admitted = false;
    }
    if (!admitted) return 'refused';
    for (const charge of this.charges) if (charge.key !== '') charge.take(charge.cost, nowMs);
    this.#isTaken = true;
    return 'taken';
  }

  correct(units: number): void {
    if (!this.#isTaken) return;
    const nowMs = this.#nowMs();
    for (const charge of this.charges) if (charge.key !== '') charge.take(units, nowMs);
  }

  release(): void {
    this.#isTaken = false;
  }
}
