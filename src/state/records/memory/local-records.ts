import { ChangeListeners } from '../change-listeners.ts';
import type { Lease, OpenRecords, StoredRecord } from '../records.ts';
import type { RecordTable } from './record-table.ts';

/** A table that is used in the thread that holds it. It is the only one to be told of changes. */
export class LocalRecords implements OpenRecords {
  readonly isLive = true;
  readonly #table: RecordTable;
  readonly #listeners = new ChangeListeners();

  constructor(table: RecordTable) {
    this.#table = table;
    table.onChange = (keys) => {
      for (const key of keys) this.#listeners.tell(key);
    };
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    return this.#table.read(key);
  }

  async create(key: string, value: string, ttlMs: number): Promise<boolean> {
    return this.#table.create(key, value, ttlMs);
  }

  async replace(
    key: string,
    value: string,
    ttlMs: number,
    version: number,
    fence?: number,
  ): Promise<number | undefined> {
    return this.#table.replace(key, value, ttlMs, version, fence);
  }

  async touch(key: string, ttlMs: number): Promise<boolean> {
    return this.#table.touch(key, ttlMs);
  }

  async take(key: string): Promise<string | undefined> {
    return this.#table.take(key);
  }

  async remove(keys: readonly string[]): Promise<void> {
    this.#table.remove(keys);
  }

  async addMember(set: string, member: string, ttlMs: number): Promise<number> {
    return this.#table.addMember(set, member, ttlMs);
  }

  async removeMember(set: string, member: string): Promise<void> {
    this.#table.removeMember(set, member);
  }

  async members(set: string): Promise<readonly string[]> {
    return this.#table.members(set);
  }

  async acquire(key: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#table.acquire(key, holder, ttlMs);
  }

  async renew(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#table.renew(key, holder, ttlMs);
  }

  async release(key: string, holder: string): Promise<void> {
    this.#table.release(key, holder);
  }

  onChange(listener: (key: string | undefined) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {}
}
