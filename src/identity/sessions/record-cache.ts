import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Records } from '../../state/records/records.ts';

/** What is remembered of a record. */
export interface Cached<Value> {
  readonly value: Value;
  readonly version: number;
  /** The record may be another since: read it. */
  isStale: boolean;
}

/** A read under way. */
interface Reading<Value> {
  readonly promise: Promise<Cached<Value> | undefined>;
  /** The record changed meanwhile: what was read holds for whoever asked before, and is not remembered. */
  isStale: boolean;
}

/**
 * Remembers records as they are when opened, at most so many of them, until somebody changes them. While the store cannot vouch for telling of
 * changes, nothing is remembered and each request reads. Several that ask for one record at a time share a read.
 */
export class RecordCache<Value> {
  readonly #records: Records;
  readonly #cached: BoundedMap<string, Cached<Value>>;
  readonly #readings = new Map<string, Reading<Value>>();
  readonly #stop: () => void;
  #isClosed = false;

  constructor(records: Records, max: number) {
    this.#records = records;
    // Whoever still has one is told of no change any more.
    this.#cached = new BoundedMap(max, (cached) => {
      cached.isStale = true;
    });
    this.#stop = records.onChange((key) => this.#changed(key));
  }

  /** Whether what is remembered holds. */
  get isReliable(): boolean {
    return this.#records.isLive && !this.#isClosed;
  }

  get size(): number {
    return this.#cached.size;
  }

  known(key: string): Cached<Value> | undefined {
    return this.isReliable ? this.#cached.get(key) : undefined;
  }

  /** Reads the record and opens it; undefined where there is none, or `open` returns that. Rejects with `RecordsUnavailable`. */
  load(
    key: string,
    open: (text: string, version: number) => Value | undefined,
  ): Promise<Cached<Value> | undefined> {
    const known = this.#readings.get(key);
    if (known !== undefined && !known.isStale) return known.promise;
    const reading: Reading<Value> = { promise: this.#read(key, open, () => reading.isStale), isStale: false };
    this.#readings.set(key, reading);
    const end = () => {
      if (this.#readings.get(key) === reading) this.#readings.delete(key);
    };
    reading.promise.then(end, end);
    return reading.promise;
  }

  forget(key: string): void {
    this.#changed(key);
  }

  close(): void {
    this.#isClosed = true;
    this.#changed(undefined);
    this.#stop();
  }

  async #read(
    key: string,
    open: (text: string, version: number) => Value | undefined,
    isStale: () => boolean,
  ): Promise<Cached<Value> | undefined> {
    const record = await this.#records.read(key);
    const value = record === undefined ? undefined : open(record.value, record.version);
    if (record === undefined || value === undefined) return undefined;
    const cached: Cached<Value> = { value, version: record.version, isStale: true };
    if (!isStale() && this.isReliable) {
      cached.isStale = false;
      this.#insert(key, cached);
    }
    return cached;
  }

  #insert(key: string, cached: Cached<Value>): void {
    if (!this.isReliable) {
      cached.isStale = true;
      return;
    }
    const before = this.#cached.get(key);
    if (before !== undefined) before.isStale = true;
    this.#cached.set(key, cached);
  }

  #changed(key: string | undefined): void {
    if (key === undefined) {
      for (const cached of this.#cached.values()) cached.isStale = true;
      for (const reading of this.#readings.values()) reading.isStale = true;
      this.#cached.clear();
      return;
    }
    const reading = this.#readings.get(key);
    if (reading !== undefined) reading.isStale = true;
    const cached = this.#cached.get(key);
    if (cached === undefined) return;
    cached.isStale = true;
    this.#cached.delete(key);
  }
}
