import { getRandomValues } from 'node:crypto';
import { ShardLocks } from './shard-locks.ts';

/** Size of a table: what it can hold, and for how many workers. */
export interface LimitTableSize {
  /** Keys that are counted at one time. */
  readonly keys: number;
  readonly workers: number;
}

/** A slot is the 128 bits of a key, when it is full again, when it is not limited any more, and 8 octets of an algorithm's own. */
const SLOT_BYTES = 40;
const SLOT_WORDS = SLOT_BYTES / Int32Array.BYTES_PER_ELEMENT;
const SLOT_FLOATS = SLOT_BYTES / Float64Array.BYTES_PER_ELEMENT;
const FULL_AT = 2;
const FREE_AT = 3;
const STATE_FLOAT = 4;
const STATE_WORD = 8;
const BUCKET_SLOTS = 8;
const BUCKET_BYTES = BUCKET_SLOTS * SLOT_BYTES;

/** Slots per key. A key has two buckets to choose from, so that this is room enough for all keys, whichever they are. */
const SPARE = 5 / 4;
/** The more keys in a shard, the more alike shards are in how many they get. */
const SHARD_KEYS = 1024;
const MAX_SHARDS = 256;

/** Requests under way of one worker that concurrency limits count; what comes beyond is refused. */
const TICKETS = 32_768;

const HASH_WORDS = 4;
const HEAD = { hashKey: 0, shards: 4, buckets: 5, workers: 6, evictions: 7, words: 8 } as const;

/** Of an entry that stands for something under way, or for a key of the decision that is being made: it cannot be evicted. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * A hash table in shared memory that counts by key, of a size that never changes. It is split into shards, each under a lock of its own;
 * within one, a key has two buckets of eight slots to stand in. Where both are full, what is full again makes place first, then what
 * has been used least, and what is limited only when there is nothing else.
 *
 * Every method but `lockOf` is for who holds the lock of the shard. Times are the caller's, in milliseconds.
 */
export class LimitTable {
  readonly hashKey: Int32Array;
  readonly locks: ShardLocks;
  readonly shards: number;
  /** Where each ticket of this worker is in use: the slot that it counts in, and 1; 0 is free. */
  readonly #tickets: Int32Array;
  readonly #freeTickets: Int32Array;
  #free: number;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #buckets: number;
  readonly #shared: SharedArrayBuffer;
  /** Offset of the first slot, in slots' own words and floats. */
  readonly #firstWord: number;
  readonly #firstFloat: number;
  readonly #head: Int32Array;

  /** `shared` comes from `allocate`; `workerId` is below the number of workers that it was made for. The main thread, which takes nothing, gives 0. */
  constructor(shared: SharedArrayBuffer, workerId: number) {
    const head = new Int32Array(shared, 0, HEAD.words);
    this.#head = head;
    this.#shared = shared;
    this.shards = head[HEAD.shards] as number;
    this.#buckets = head[HEAD.buckets] as number;
    this.hashKey = head.slice(HEAD.hashKey, HEAD.hashKey + HASH_WORDS);
    const offsets = offsetsOf(this.shards, head[HEAD.workers] as number);
    this.locks = new ShardLocks(
      new Int32Array(shared, offsets.locks, this.shards * ShardLocks.WORDS),
      workerId,
    );
    this.#tickets = ticketsOf(shared, offsets.tickets, workerId);
    this.#freeTickets = Int32Array.from({ length: TICKETS }, (_, i) => TICKETS - 1 - i);
    this.#free = TICKETS;
    this.#words = new Int32Array(shared);
    this.#floats = new Float64Array(shared);
    this.#firstWord = offsets.slots / Int32Array.BYTES_PER_ELEMENT;
    this.#firstFloat = offsets.slots / Float64Array.BYTES_PER_ELEMENT;
  }

  static allocate({ keys, workers }: LimitTableSize): SharedArrayBuffer {
    const shards = shardsFor(keys);
    const buckets = Math.max(2, Math.ceil((keys * SPARE) / shards / BUCKET_SLOTS));
    const { slots } = offsetsOf(shards, workers);
    const shared = new SharedArrayBuffer(slots + shards * buckets * BUCKET_BYTES);
    const head = new Int32Array(shared, 0, HEAD.words);
    // getRandomValues refuses shared memory.
    head.set(getRandomValues(new Int32Array(HASH_WORDS)), HEAD.hashKey);
    head[HEAD.shards] = shards;
    head[HEAD.buckets] = buckets;
    head[HEAD.workers] = workers;
    return shared;
  }

  /** Keys that made place for others before they were full again. */
  get evictions(): number {
    return Atomics.load(this.#head, HEAD.evictions) >>> 0;
  }

  /** Tickets that this worker may still take. */
  get freeTickets(): number {
    return this.#free;
  }

  shardOf(hash: Int32Array): number {
    return (hash[0] as number) & (this.shards - 1);
  }

  /** The slot of a key, or -1. */
  find(hash: Int32Array): number {
    const shard = this.shardOf(hash);
    const one = fraction(hash[1] as number, this.#buckets);
    const slot = this.#findIn(this.#firstSlot(shard, one), hash);
    return slot >= 0 ? slot : this.#findIn(this.#firstSlot(shard, this.#otherThan(one, hash)), hash);
  }

  /** A slot for a key that has none, with nothing counted: it is kept for the key until its times are set. -1 where everything around is kept. */
  claim(hash: Int32Array, nowMs: number): number {
    const shard = this.shardOf(hash);
    const bucket = fraction(hash[1] as number, this.#buckets);
    const one = this.#firstSlot(shard, bucket);
    const other = this.#firstSlot(shard, this.#otherThan(bucket, hash));
    // The emptier of two buckets, which is what keeps all of them from filling up unevenly.
    const first = this.#freeIn(other, nowMs) > this.#freeIn(one, nowMs) ? other : one;
    const slot = this.#leastUseful(first, first === one ? other : one, nowMs);
    if (slot < 0) return -1;
    if (this.fullAt(slot) > nowMs) Atomics.add(this.#head, HEAD.evictions, 1);
    const word = this.#firstWord + slot * SLOT_WORDS;
    for (let i = 0; i < HASH_WORDS; i++) this.#words[word + i] = hash[i] as number;
    const float = this.#firstFloat + slot * SLOT_FLOATS;
    this.#floats[float + FULL_AT] = NEVER;
    this.#floats[float + STATE_FLOAT] = 0;
    return slot;
  }

  /** When nothing of what was taken counts any more: the entry says nothing then, and may be overwritten. */
  fullAt(slot: number): number {
    return this.#floats[this.#firstFloat + slot * SLOT_FLOATS + FULL_AT] as number;
  }

  /** `freeAtMs`: from when on a unit can be taken again; what is later than now is limited. */
  setTimes(slot: number, fullAtMs: number, freeAtMs: number): void {
    const at = this.#firstFloat + slot * SLOT_FLOATS;
    this.#floats[at + FULL_AT] = fullAtMs;
    this.#floats[at + FREE_AT] = freeAtMs;
  }

  setFullAt(slot: number, fullAtMs: number): void {
    this.#floats[this.#firstFloat + slot * SLOT_FLOATS + FULL_AT] = fullAtMs;
  }

  float(slot: number): number {
    return this.#floats[this.#firstFloat + slot * SLOT_FLOATS + STATE_FLOAT] as number;
  }

  setFloat(slot: number, value: number): void {
    this.#floats[this.#firstFloat + slot * SLOT_FLOATS + STATE_FLOAT] = value;
  }

  /** One of the two words that lie where the float does. */
  word(slot: number, which: 0 | 1): number {
    return this.#words[this.#firstWord + slot * SLOT_WORDS + STATE_WORD + which] as number;
  }

  setWord(slot: number, which: 0 | 1, value: number): void {
    this.#words[this.#firstWord + slot * SLOT_WORDS + STATE_WORD + which] = value;
  }

  /** Counts one more under way, in the first word of the slot; the ticket gives it back. There must be one free. */
  enter(slot: number): number {
    const ticket = this.#freeTickets[--this.#free] as number;
    // Written down first: what is written and not counted is corrected by a count that stops at 0, what is counted and not written by nothing.
    this.#tickets[ticket] = slot + 1;
    this.setWord(slot, 0, this.word(slot, 0) + 1);
    this.setTimes(slot, NEVER, NEVER);
    return ticket;
  }

  /** The slot that a ticket counts in. */
  slotOf(ticket: number): number {
    return (this.#tickets[ticket] as number) - 1;
  }

  leave(ticket: number): void {
    this.#uncount(this.slotOf(ticket));
    this.#tickets[ticket] = 0;
    this.#freeTickets[this.#free++] = ticket;
  }

  /** The lock that the slot is under. */
  shardOfSlot(slot: number): number {
    return Math.floor(slot / (this.#buckets * BUCKET_SLOTS));
  }

  /** A worker died: it holds no lock, and what it had under way is gone with it. Call it before the successor starts. */
  forgetWorker(workerId: number): void {
    this.locks.forgetWorker(workerId);
    const offsets = offsetsOf(this.shards, this.#head[HEAD.workers] as number);
    const tickets = ticketsOf(this.#shared, offsets.tickets, workerId);
    for (let ticket = 0; ticket < TICKETS; ticket++) {
      const slot = (tickets[ticket] as number) - 1;
      if (slot < 0) continue;
      const shard = this.shardOfSlot(slot);
      this.locks.acquire(shard);
      this.#uncount(slot);
      tickets[ticket] = 0;
      this.locks.release(shard);
    }
  }

  #uncount(slot: number): void {
    const count = Math.max(0, this.word(slot, 0) - 1);
    this.setWord(slot, 0, count);
    if (count === 0) this.setTimes(slot, 0, 0);
  }

  #firstSlot(shard: number, bucket: number): number {
    return (shard * this.#buckets + bucket) * BUCKET_SLOTS;
  }

  /** The second bucket of a key. */
  #otherThan(bucket: number, hash: Int32Array): number {
    const other = bucket + 1 + fraction(hash[2] as number, this.#buckets - 1);
    return other < this.#buckets ? other : other - this.#buckets;
  }

  #findIn(first: number, hash: Int32Array): number {
    const words = this.#words;
    let at = this.#firstWord + first * SLOT_WORDS;
    for (let slot = first; slot < first + BUCKET_SLOTS; slot++, at += SLOT_WORDS) {
      if (
        words[at] === hash[0] &&
        words[at + 1] === hash[1] &&
        words[at + 2] === hash[2] &&
        words[at + 3] === hash[3]
      )
        return slot;
    }
    return -1;
  }

  #freeIn(first: number, nowMs: number): number {
    let free = 0;
    for (let slot = first; slot < first + BUCKET_SLOTS; slot++) if (this.fullAt(slot) <= nowMs) free++;
    return free;
  }

  /** A slot of one of two buckets: full again, else what is not limited and nearest to being full, else what is. -1 where all are under way. */
  #leastUseful(one: number, other: number, nowMs: number): number {
    let best = -1;
    let bestLimited = true;
    let bestFullAt = NEVER;
    for (let i = 0; i < 2 * BUCKET_SLOTS; i++) {
      const slot = i < BUCKET_SLOTS ? one + i : other + i - BUCKET_SLOTS;
      const fullAt = this.fullAt(slot);
      if (fullAt <= nowMs) return slot;
      if (fullAt === NEVER) continue;
      const limited = (this.#floats[this.#firstFloat + slot * SLOT_FLOATS + FREE_AT] as number) > nowMs;
      if (limited === bestLimited ? fullAt >= bestFullAt : limited) continue;
      best = slot;
      bestLimited = limited;
      bestFullAt = fullAt;
    }
    return best;
  }
}

/** One of `count` numbers from 0 on, each as likely for a hash as any other. */
function fraction(hash: number, count: number): number {
  return Math.floor(((hash >>> 0) * count) / 0x1_0000_0000);
}

/** A power of two. */
function shardsFor(keys: number): number {
  return Math.min(MAX_SHARDS, 2 ** Math.floor(Math.log2(Math.max(1, keys / SHARD_KEYS))));
}

function ticketsOf(shared: SharedArrayBuffer, offset: number, workerId: number): Int32Array {
  return new Int32Array(shared, offset + workerId * TICKETS * Int32Array.BYTES_PER_ELEMENT, TICKETS);
}

/** Head, locks, tickets of each worker, slots: where each begins, in octets. */
function offsetsOf(shards: number, workers: number): { locks: number; tickets: number; slots: number } {
  const locks = ShardLocks.WORDS * Int32Array.BYTES_PER_ELEMENT;
  const tickets = locks + shards * ShardLocks.WORDS * Int32Array.BYTES_PER_ELEMENT;
  return { locks, tickets, slots: tickets + workers * TICKETS * Int32Array.BYTES_PER_ELEMENT };
}
