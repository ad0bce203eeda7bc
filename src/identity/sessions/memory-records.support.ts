import { MAX_MEMBERS } from '../../state/records/checks.ts';
import {
  type Lease,
  type Records,
  RecordsUnavailable,
  type StoredRecord,
} from '../../state/records/records.ts';

interface Kept {
  value: string;
  version: number;
  endsAtMs: number;
}

/** Records of one thread, for tests: everything that is stored can be looked at, and the store can be away. */
export class MemoryRecords implements Records {
  readonly kept = new Map<string, Kept>();
  readonly sets = new Map<string, Map<string, number>>();
  readonly leases = new Map<string, { holder: string; fence: number; endsAtMs: number }>();
  isLive = true;
  /** Every call rejects. */
  isAway = false;
  reads = 0;
  touches = 0;
  nowMs: () => number;
  readonly #listeners = new Set<(key: string | undefined) => void>();
  readonly #fences = new Map<string, number>();
  #version = 0;

  constructor(nowMs: () => number = Date.now) {
    this.nowMs = nowMs;
  }

  /** All that is stored, as one text. */
  get dump(): string {
    return JSON.stringify([[...this.kept], [...this.sets].map(([name, set]) => [name, [...set]])]);
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    this.#check();
    this.reads++;
    const kept = this.#live(key);
    return kept && { value: kept.value, version: kept.version };
  }

  async create(key: string, value: string, ttlMs: number): Promise<boolean> {
    this.#check();
    if (this.#live(key) !== undefined) return false;
    this.kept.set(key, { value, version: ++this.#version, endsAtMs: this.nowMs() + ttlMs });
    this.tell(key);
    return true;
  }

  async replace(
    key: string,
    value: string,
    ttlMs: number,
    version: number,
    fence?: number,
  ): Promise<number | undefined> {
    this.#check();
    const kept = this.#live(key);
    if (kept?.version !== version) return undefined;
    if (fence !== undefined && fence < (this.#fences.get(key) ?? 0)) return undefined;
    this.kept.set(key, { value, version: ++this.#version, endsAtMs: this.nowMs() + ttlMs });
    this.tell(key);
    return this.#version;
  }

  async touch(key: string, ttlMs: number): Promise<boolean> {
    this.#check();
    this.touches++;
    const kept = this.#live(key);
    if (kept !== undefined) kept.endsAtMs = this.nowMs() + ttlMs;
    return kept !== undefined;
  }

  async take(key: string): Promise<string | undefined> {
    this.#check();
    const value = this.#live(key)?.value;
    this.kept.delete(key);
    this.tell(key);
    return value;
  }

  async remove(keys: readonly string[]): Promise<void> {
    this.#check();
    for (const key of keys) {
      this.kept.delete(key);
      this.leases.delete(key);
      this.tell(key);
    }
  }

  async addMember(set: string, member: string, ttlMs: number): Promise<number> {
    this.#check();
    const members = this.sets.get(set) ?? new Map<string, number>();
    for (const [name, end] of members) if (end <= this.nowMs()) members.delete(name);
    if (members.size >= MAX_MEMBERS && !members.has(member)) throw new RecordsUnavailable('the set is full');
    this.sets.set(set, members.set(member, this.nowMs() + ttlMs));
    return members.size;
  }

  async removeMember(set: string, member: string): Promise<void> {
    this.#check();
    this.sets.get(set)?.delete(member);
  }

  async members(set: string): Promise<readonly string[]> {
    this.#check();
    return [...(this.sets.get(set) ?? [])]
      .filter(([, end]) => end > this.nowMs())
      .sort(([, one], [, other]) => one - other)
      .map(([member]) => member);
  }

  async acquire(key: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    this.#check();
    const lease = this.leases.get(key);
    if (lease !== undefined && lease.holder !== holder && lease.endsAtMs > this.nowMs()) return undefined;
    const fence = (this.#fences.get(key) ?? 0) + 1;
    this.#fences.set(key, fence);
    this.leases.set(key, { holder, fence, endsAtMs: this.nowMs() + ttlMs });
    return { fence };
  }

  async renew(key: string, holder: string, ttlMs: number): Promise<boolean> {
    this.#check();
    const lease = this.leases.get(key);
    if (lease === undefined || lease.holder !== holder || lease.endsAtMs <= this.nowMs()) return false;
    lease.endsAtMs = this.nowMs() + ttlMs;
    return true;
  }

  async release(key: string, holder: string): Promise<void> {
    this.#check();
    if (this.leases.get(key)?.holder !== holder) return;
    this.leases.delete(key);
    this.tell(key);
  }

  onChange(listener: (key: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(key: string | undefined): void {
    for (const listener of this.#listeners) listener(key);
  }

  #live(key: string): Kept | undefined {
    const kept = this.kept.get(key);
    return kept !== undefined && kept.endsAtMs > this.nowMs() ? kept : undefined;
  }

  #check(): void {
    if (this.isAway) throw new RecordsUnavailable('the store is away');
  }
}
