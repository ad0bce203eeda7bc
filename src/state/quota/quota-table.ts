import { getRandomValues } from 'node:crypto';
import { KeyHash } from '../shared/key-hash.ts';
import { ShardLocks } from '../shared/shard-locks.ts';
import { countedAs, NO_PERIOD, PERS, type Period, type QuotaCharge, type QuotaRecord } from './quota.ts';

/** A slot is start, end and count of each period, then words, then the octets of who is counted. */
const SLOT_BYTES = 256;
const FLOATS_PER_PERIOD = 3;
const START = 0;
const END = 1;
const USED = 2;
const SLOT_FLOATS = SLOT_BYTES / 8;
const SLOT_WORDS = SLOT_BYTES / 4;
const WORDS_AT = (PERS.length * FLOATS_PER_PERIOD * 8) / 4;
/** Octets of the key; 0 is a slot that was never used. */
const LENGTH = WORDS_AT;
/** Grows whenever the slot is given to somebody else. */
const OWNER = WORDS_AT + 1;
/** Grows with every change. */
const CHANGES = WORDS_AT + 2;
/** Of the key: nearly always enough to tell two of them apart. */
const HASH = WORDS_AT + 3;
/** Up to the end of the slot, 192 octets: the name of a plan has at most 100, that of whoever is counted 90. */
const KEY_AT = (WORDS_AT + 4) * 4;

/** A shard is under one lock, and looked through from its first slot on. */
const SHARD_CONSUMERS = 256;
/** Shards are not all filled alike. */
const SPARE = 5 / 4;
/** How many shards there are, and the four words by which keys are hashed, on a cache line of their own. */
const HEAD_BYTES = 64;
const HASH_KEY = 4;
const HASH_WORDS = 4;
const SEPARATOR = '\0';

interface Place {
  readonly slot: number;
  readonly owner: number;
}

/**
 * Counts of quotas in memory that the workers share, by plan and consumer. Both of a consumer's periods are under one lock, so that a request is
 * taken of all of them or of none. A slot is given to somebody else when all its periods are over, and never before.
 */
export class QuotaTable {
  readonly locks: ShardLocks;
  readonly slots: number;
  readonly #floats: Float64Array;
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #shards: number;
  readonly #slotsPerShard: number;
  readonly #keyHash: KeyHash;
  /** Of the key at hand. Its first word chooses the shard. */
  readonly #hash = new Int32Array(HASH_WORDS);
  /** Where this thread found whom. */
  readonly #places = new Map<string, Place>();

  /** `owner` is 0 for the main thread, and one more than its number for a worker. */
  constructor(shared: SharedArrayBuffer, owner: number) {
    const head = new Int32Array(shared, 0, HASH_KEY + HASH_WORDS);
    this.#shards = head[0] as number;
    this.#keyHash = new KeyHash(head.slice(HASH_KEY));
    const locks = this.#shards * ShardLocks.WORDS;
    this.locks = new ShardLocks(new Int32Array(shared, HEAD_BYTES, locks), owner);
    const slotsAt = HEAD_BYTES + locks * Int32Array.BYTES_PER_ELEMENT;
    this.#floats = new Float64Array(shared, slotsAt);
    this.#words = new Int32Array(shared, slotsAt);
    this.#octets = new Uint8Array(shared, slotsAt);
    this.slots = this.#octets.length / SLOT_BYTES;
    this.#slotsPerShard = this.slots / this.#shards;
  }

  static allocate(consumers: number): SharedArrayBuffer {
    const shards = Math.ceil(consumers / SHARD_CONSUMERS);
    const perShard = Math.ceil((consumers * SPARE) / shards) + 8;
    const locks = shards * ShardLocks.WORDS * Int32Array.BYTES_PER_ELEMENT;
    const shared = new SharedArrayBuffer(HEAD_BYTES + locks + shards * perShard * SLOT_BYTES);
    const head = new Int32Array(shared, 0, HASH_KEY + HASH_WORDS);
    head[0] = shards;
    // Whoever may choose how consumers are called must not choose their shard.
    head.set(getRandomValues(new Int32Array(HASH_WORDS)), HASH_KEY);
    return shared;
  }

  /** Takes one of every quota, or of none where one has no room. */
  take(plan: string, consumer: string, charges: readonly QuotaCharge[], nowMs: number): Taken {
    const key = plan + SEPARATOR + countedAs(consumer);
    const shard = this.#shardOf(key);
    this.locks.acquire(shard);
    const slot = this.#find(key, shard) ?? this.#claim(key, shard, nowMs);
    const taken = slot === undefined ? 'full' : this.#takeIn(slot, charges);
    this.locks.release(shard);
    return taken;
  }

  /** Gives back one of every quota that was taken from, unless its period has ended meanwhile. */
  giveBack(plan: string, consumer: string, charges: readonly QuotaCharge[]): void {
    const key = plan + SEPARATOR + countedAs(consumer);
    const shard = this.#shardOf(key);
    this.locks.acquire(shard);
    const slot = this.#find(key, shard);
    if (slot !== undefined) this.#giveBackIn(slot, charges);
    this.locks.release(shard);
  }

  /** Puts back what was counted before, at the start. False where there is no room. */
  restore({ plan, consumer, counts }: QuotaRecord, nowMs: number): boolean {
    const key = plan + SEPARATOR + countedAs(consumer);
    const shard = this.#shardOf(key);
    this.locks.acquire(shard);
    const slot = this.#find(key, shard) ?? this.#claim(key, shard, nowMs);
    if (slot !== undefined)
      for (const [i, { period, used }] of counts.entries()) this.#put(slot, i, period, used);
    this.locks.release(shard);
    return slot !== undefined;
  }

  /** Begins a period of the slot anew, as though nothing had been taken of it. */
  reset(slot: number, which: number): void {
    this.#put(slot, which, NO_PERIOD, 0);
  }

  /** How often the slot has changed; the same number is the same contents. */
  changesOf(slot: number): number {
    return Atomics.load(this.#words, slot * SLOT_WORDS + CHANGES);
  }

  /** What stands in the slot, while nobody changes it; undefined for nothing. `visit` may call `reset`. */
  read<Result>(slot: number, visit: (record: QuotaRecord) => Result): Result | undefined {
    if (this.changesOf(slot) === 0) return undefined;
    const shard = Math.floor(slot / this.#slotsPerShard);
    this.locks.acquire(shard);
    try {
      const key = this.#keyOf(slot);
      if (key === '') return undefined;
      const end = key.indexOf(SEPARATOR);
      const counts = PERS.map((_, i) => ({ period: this.#period(slot, i), used: this.#used(slot, i) }));
      return visit({ plan: key.slice(0, end), consumer: key.slice(end + 1), counts });
    } finally {
      this.locks.release(shard);
    }
  }

  #takeIn(slot: number, charges: readonly QuotaCharge[]): Taken {
    let admitted = true;
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i] as QuotaCharge;
      charge.admitted = true;
      if (charge.limit === 0) continue;
      const at = floatAt(slot, i);
      const isOver = charge.period.startMs >= (this.#floats[at + END] as number);
      if (isOver) this.#put(slot, i, charge.period, 0);
      else if (this.#floats[at + START] !== charge.period.startMs) charge.period = this.#period(slot, i);
      charge.used = this.#used(slot, i);
      charge.admitted = charge.used < charge.limit;
      if (!charge.admitted) admitted = false;
    }
    if (!admitted) return 'refused';
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i] as QuotaCharge;
      if (charge.limit === 0) continue;
      this.#floats[floatAt(slot, i) + USED] = ++charge.used;
    }
    this.#changed(slot);
    return 'taken';
  }

  #giveBackIn(slot: number, charges: readonly QuotaCharge[]): void {
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i] as QuotaCharge;
      if (charge.limit === 0) continue;
      charge.used--;
      const used = this.#used(slot, i);
      if (used > 0 && this.#floats[floatAt(slot, i) + START] === charge.period.startMs)
        this.#floats[floatAt(slot, i) + USED] = used - 1;
    }
    this.#changed(slot);
  }

  #put(slot: number, which: number, { startMs, endMs }: Period, used: number): void {
    const at = floatAt(slot, which);
    this.#floats[at + START] = startMs;
    this.#floats[at + END] = endMs;
    this.#floats[at + USED] = used;
    this.#changed(slot);
  }

  #period(slot: number, which: number): Period {
    const at = floatAt(slot, which);
    return { startMs: this.#floats[at + START] as number, endMs: this.#floats[at + END] as number };
  }

  #used(slot: number, which: number): number {
    return this.#floats[floatAt(slot, which) + USED] as number;
  }

  #changed(slot: number): void {
    Atomics.add(this.#words, slot * SLOT_WORDS + CHANGES, 1);
  }

  #shardOf(key: string): number {
    this.#keyHash.hash(key, this.#hash);
    return ((this.#hash[0] as number) >>> 0) % this.#shards;
  }

  #find(key: string, shard: number): number | undefined {
    const known = this.#places.get(key);
    if (known !== undefined && this.#ownerOf(known.slot) === known.owner) return known.slot;
    const octets = Buffer.from(key);
    for (let slot = shard * this.#slotsPerShard; slot < (shard + 1) * this.#slotsPerShard; slot++) {
      // Slots are taken in their order.
      if (this.#words[slot * SLOT_WORDS + LENGTH] === 0) return undefined;
      if (this.#words[slot * SLOT_WORDS + HASH] === this.#hash[1] && octets.equals(this.#key(slot)))
        return this.#remember(key, slot);
    }
    return undefined;
  }

  #claim(key: string, shard: number, nowMs: number): number | undefined {
    for (let slot = shard * this.#slotsPerShard; slot < (shard + 1) * this.#slotsPerShard; slot++) {
      if (PERS.some((_, i) => (this.#floats[floatAt(slot, i) + END] as number) > nowMs)) continue;
      const octets = Buffer.from(key);
      this.#floats.fill(0, floatAt(slot, 0), floatAt(slot, PERS.length));
      this.#octets.set(octets, slot * SLOT_BYTES + KEY_AT);
      this.#words[slot * SLOT_WORDS + LENGTH] = octets.length;
      this.#words[slot * SLOT_WORDS + HASH] = this.#hash[1] as number;
      Atomics.add(this.#words, slot * SLOT_WORDS + OWNER, 1);
      this.#changed(slot);
      return this.#remember(key, slot);
    }
    return undefined;
  }

  #remember(key: string, slot: number): number {
    // Whoever was counted and is no more must not be remembered for ever.
    if (this.#places.size >= this.slots) this.#places.clear();
    this.#places.set(key, { slot, owner: this.#ownerOf(slot) });
    return slot;
  }

  #ownerOf(slot: number): number {
    return this.#words[slot * SLOT_WORDS + OWNER] as number;
  }

  #key(slot: number): Uint8Array {
    const at = slot * SLOT_BYTES + KEY_AT;
    return this.#octets.subarray(at, at + (this.#words[slot * SLOT_WORDS + LENGTH] as number));
  }

  #keyOf(slot: number): string {
    // Text is not made of shared memory.
    return Buffer.from(this.#key(slot)).toString();
  }
}

/** `full`: there is no place where this consumer could be counted. */
export type Taken = 'taken' | 'refused' | 'full';

function floatAt(slot: number, which: number): number {
  return slot * SLOT_FLOATS + which * FLOATS_PER_PERIOD;
}
