import { clockMs } from '../../lib/clock.ts';
import { ASK_AGAIN_MS } from '../findings.ts';
import type { Algorithm, Decision, Limit, Limiter, Verdict } from '../limiter.ts';
import { type CountedCharge, type Counting, concurrency, gcra, slidingWindow } from './counting.ts';
import { KeyHash } from './key-hash.ts';
import { LimitTable, NEVER } from './limit-table.ts';

const COUNTINGS: Readonly<Record<Algorithm, Counting>> = {
  gcra,
  'sliding-window': slidingWindow,
  concurrency,
};

/**
 * Counts in memory that the workers of one machine share: at once, and exactly, because a decision holds the locks of all its keys. After
 * a restart all is as though nothing had been taken.
 */
export class SharedLimiter implements Limiter {
  readonly isInstant = true;
  readonly #table: LimitTable;
  readonly #ids: KeyHash;
  readonly #nowMs: () => number;

  /** `shared` comes from `LimitTable.allocate`; `workerId` is below the number of workers that it was made for. */
  constructor(shared: SharedArrayBuffer, workerId: number, nowMs: () => number = wholeMs) {
    this.#table = new LimitTable(shared, workerId);
    this.#ids = new KeyHash(this.#table.hashKey);
    this.#nowMs = nowMs;
  }

  decision(limits: readonly Limit[]): Decision {
    const charges = limits.map((limit) => {
      // Each limit has a hash of its own, so that the keys of two of them are nowhere the same.
      const key = new Int32Array(4);
      this.#ids.hash(limit.id, key);
      return new SharedCharge(limit, new KeyHash(key));
    });
    return new SharedDecision(this.#table, charges, this.#nowMs);
  }
}

/** Sums of whole numbers are exact: with fractions, a unit too few could seem to be left. */
function wholeMs(): number {
  return Math.floor(clockMs());
}

class SharedCharge implements CountedCharge {
  readonly limit: Limit;
  readonly counting: Counting;
  readonly hash = new Int32Array(4);
  key = '';
  cost = 1;
  admitted = true;
  remaining = 0;
  resetMs = 0;
  retryAfterMs = 0;
  shard = 0;
  slot = -1;
  /** Its key was nowhere in the table. */
  isNew = false;
  /** Of the place that its key had already. */
  fullAtMs = 0;
  ticket = -1;
  readonly #hash: KeyHash;
  #hashed = '';

  constructor(limit: Limit, hash: KeyHash) {
    this.limit = limit;
    this.counting = COUNTINGS[limit.algorithm];
    this.#hash = hash;
  }

  /** Leaves the hash of the key in `hash`. A key that stays, such as a route's, is hashed once. */
  prepare(table: LimitTable): void {
    if (this.key === this.#hashed) return;
    this.#hash.hash(this.key, this.hash);
    this.#hashed = this.key;
    this.shard = table.shardOf(this.hash);
  }
}

class SharedDecision implements Decision {
  readonly charges: readonly SharedCharge[];
  readonly #table: LimitTable;
  readonly #nowMs: () => number;
  /** Those with a key first, by shard: locks are always taken in this order, so that no two threads wait for each other. */
  readonly #inOrder: SharedCharge[];
  /** How many of the first are meant; an array that is emptied would be allocated anew by the next request. */
  #count = 0;

  constructor(table: LimitTable, charges: readonly SharedCharge[], nowMs: () => number) {
    this.#table = table;
    this.charges = charges;
    this.#inOrder = [...charges];
    this.#nowMs = nowMs;
  }

  take(): Verdict {
    if (this.charges.length === 1) return this.#takeOnly(this.charges[0] as SharedCharge);
    this.#putInOrder();
    const nowMs = this.#nowMs();
    this.#lock();
    const admitted = this.#look(nowMs) && this.#claim(nowMs);
    for (let i = 0; i < this.#count; i++) {
      const charge = this.#inOrder[i] as SharedCharge;
      if (admitted) charge.counting.take(this.#table, charge, nowMs);
      else charge.counting.tell(this.#table, charge, nowMs);
      if (charge.admitted) charge.retryAfterMs = 0;
      // It has room, but its key has no place: what is under way there will end.
      else if (charge.retryAfterMs === 0) charge.retryAfterMs = ASK_AGAIN_MS;
    }
    this.#unlock();
    return admitted ? 'taken' : 'refused';
  }

  /** As `take`, without what is for several: that is most of the time that a decision takes. */
  #takeOnly(charge: SharedCharge): Verdict {
    charge.admitted = true;
    this.#count = charge.key === '' ? 0 : 1;
    if (this.#count === 0) return 'taken';
    const table = this.#table;
    charge.prepare(table);
    const nowMs = this.#nowMs();
    table.locks.acquire(charge.shard);
    charge.slot = table.find(charge.hash);
    charge.admitted = charge.counting.admits(table, charge, nowMs) && this.#claimOnly(charge, nowMs);
    if (charge.admitted) {
      charge.counting.take(table, charge, nowMs);
      charge.retryAfterMs = 0;
    } else {
      charge.counting.tell(table, charge, nowMs);
      if (charge.retryAfterMs === 0) charge.retryAfterMs = ASK_AGAIN_MS;
    }
    table.locks.release(charge.shard);
    return charge.admitted ? 'taken' : 'refused';
  }

  #claimOnly(charge: SharedCharge, nowMs: number): boolean {
    if (charge.limit.algorithm === 'concurrency' && this.#table.freeTickets === 0) return false;
    if (charge.slot >= 0) return true;
    charge.slot = this.#table.claim(charge.hash, nowMs);
    if (charge.slot < 0) return false;
    this.#table.setTimes(charge.slot, 0, 0);
    return true;
  }

  correct(units: number): void {
    const nowMs = this.#nowMs();
    const table = this.#table;
    for (let i = 0; i < this.#count; i++) {
      const charge = this.#inOrder[i] as SharedCharge;
      if (charge.limit.algorithm === 'concurrency') continue;
      table.locks.acquire(charge.shard);
      charge.slot = table.find(charge.hash);
      if (charge.slot < 0 && units > 0) {
        charge.slot = table.claim(charge.hash, nowMs);
        if (charge.slot >= 0) table.setTimes(charge.slot, 0, 0);
      }
      if (charge.slot >= 0) charge.counting.add(table, charge, units, nowMs);
      table.locks.release(charge.shard);
    }
  }

  release(): void {
    const { locks } = this.#table;
    for (let i = 0; i < this.#count; i++) {
      const charge = this.#inOrder[i] as SharedCharge;
      if (charge.ticket < 0) continue;
      locks.acquire(charge.shard);
      this.#table.leave(charge.ticket);
      locks.release(charge.shard);
      charge.ticket = -1;
    }
    this.#count = 0;
  }

  #putInOrder(): void {
    const list = this.#inOrder;
    let count = 0;
    for (const charge of this.charges) {
      charge.admitted = true;
      if (charge.key === '') continue;
      charge.prepare(this.#table);
      let at = count++;
      while (at > 0 && (list[at - 1] as SharedCharge).shard > charge.shard) {
        list[at] = list[at - 1] as SharedCharge;
        at--;
      }
      list[at] = charge;
    }
    this.#count = count;
  }

  #lock(): void {
    let held = -1;
    for (let i = 0; i < this.#count; i++) {
      const { shard } = this.#inOrder[i] as SharedCharge;
      if (shard !== held) this.#table.locks.acquire(shard);
      held = shard;
    }
  }

  #unlock(): void {
    let released = -1;
    for (let i = 0; i < this.#count; i++) {
      const { shard } = this.#inOrder[i] as SharedCharge;
      if (shard !== released) this.#table.locks.release(shard);
      released = shard;
    }
  }

  /** Whether every charge has room. All are looked at, so that the answer can tell of all. */
  #look(nowMs: number): boolean {
    const table = this.#table;
    let admitted = true;
    for (let i = 0; i < this.#count; i++) {
      const charge = this.#inOrder[i] as SharedCharge;
      charge.slot = table.find(charge.hash);
      charge.admitted = charge.counting.admits(table, charge, nowMs);
      if (!charge.admitted) admitted = false;
    }
    return admitted;
  }

  /** Gives every key a place to be counted in. Whether all have got one; else none has got a new one. */
  #claim(nowMs: number): boolean {
    const table = this.#table;
    let tickets = table.freeTickets;
    let claimed = true;
    this.#keep();
    for (let i = 0; i < this.#count; i++) {
      const charge = this.#inOrder[i] as SharedCharge;
      charge.isNew = charge.slot < 0;
      if (charge.isNew) charge.slot = table.claim(charge.hash, nowMs);
      const hasTicket = charge.limit.algorithm !== 'concurrency' || tickets-- > 0;
      if (charge.slot >= 0 && hasTicket) continue;
      charge.admitted = false;
      claimed = false;
    }
    // Until here no place could be claimed twice.
    for (let i = 0; i < this.#count; i++) {
      const { isNew, slot, fullAtMs } = this.#inOrder[i] as SharedCharge;
      if (slot < 0) continue;
      if (isNew) table.setTimes(slot, 0, 0);
      else table.setFullAt(slot, fullAtMs);
    }
    return claimed;
  }

  /** The places that keys of this decision have already are not for its new ones, even where they would be free for others. */
  #keep(): void {
    const table = this.#table;
    for (let i = 0; i < this.#count; i++) {
      const charge = this.#inOrder[i] as SharedCharge;
      if (charge.slot < 0) continue;
      charge.fullAtMs = table.fullAt(charge.slot);
      table.setFullAt(charge.slot, NEVER);
    }
  }
}
