import { checkName, checkValue, lifetimeMs, MAX_MEMBERS } from '../checks.ts';
import { type Lease, PASSING, RecordsUnavailable, type StoredRecord } from '../records.ts';
import { type Expiring, ExpiryHeap } from './expiry-heap.ts';

export interface RecordTableOptions {
  /**
   * Of everything in it. An eighth is kept for what is there already to grow into, so that a full table still serves those who are signed in. Of the
   * names that begin with `PASSING` a quarter at most.
   */
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** A record or a member of a set as a file keeps it. */
export type KeptEntry =
  | {
      readonly kind: 'record';
      readonly key: string;
      readonly value: string;
      readonly version: number;
      readonly expiresAtMs: number;
    }
  | { readonly kind: 'member'; readonly set: string; readonly member: string; readonly expiresAtMs: number };

/** Names a record (`member` undefined) or a member of a set. */
export interface EntryName {
  readonly key: string;
  readonly member: string | undefined;
}

interface Entry extends Expiring {
  readonly kind: 'record' | 'member' | 'lease';
  readonly key: string;
  readonly member: string | undefined;
  /** Of a record its value, of a lease its holder. */
  value: string;
  /** Of a record its version, of a lease its fence. */
  number: number;
  /** Of a record: that of the last lease of its key. */
  fence: number;
  bytes: number;
}

/** What an entry costs beyond its texts: the object, its places in a map and in the heap. Measured: 180 to 240 octets. */
const ENTRY_BYTES = 256;
/** Entries that ended and go with one operation; the rest go with the next ones, or with `expire`. */
const EXPIRED_AT_ONCE = 100;

/**
 * The records of this machine, as `Records` describes them: every method is one step, because one thread does them all. Methods throw
 * `RecordsUnavailable` where there is no room.
 */
export class RecordTable {
  /** Told of keys that were written or removed, and of leases that were released. */
  onChange: (keys: readonly string[]) => void = () => {};
  /** Told of what a file must write again. Leases are none of that: who held one is gone with the process. */
  onKept: (name: EntryName) => void = () => {};
  /** Writes that were refused for want of room. */
  refused = 0;
  readonly #options: RecordTableOptions;
  readonly #records = new Map<string, Entry>();
  readonly #sets = new Map<string, Map<string, Entry>>();
  readonly #leases = new Map<string, Entry>();
  readonly #expiry = new ExpiryHeap<Entry>();
  /** Those of what anybody may begin, the oldest first. */
  readonly #passing = new Set<Entry>();
  #passingBytes = 0;
  #bytes = 0;
  #lastNumber = 0;

  constructor(options: RecordTableOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Records, members of sets and leases; also those that ended a moment ago. */
  get size(): number {
    return this.#expiry.size;
  }

  read(key: string): StoredRecord | undefined {
    const record = this.#find(this.#records, key);
    return record === undefined ? undefined : { value: record.value, version: record.number };
  }

  create(key: string, value: string, ttlMs: number): boolean {
    checkName(key);
    const bytes = checkValue(value);
    const ms = lifetimeMs(ttlMs);
    if (this.#find(this.#records, key) !== undefined) return false;
    const fence = this.#find(this.#leases, key)?.number ?? 0;
    this.#add({ kind: 'record', key, member: undefined, value, number: 0, fence }, bytes, ms);
    this.onChange([key]);
    return true;
  }

  replace(key: string, value: string, ttlMs: number, version: number, fence?: number): number | undefined {
    checkName(key);
    const bytes = checkValue(value) - Buffer.byteLength(this.#records.get(key)?.value ?? '');
    const ms = lifetimeMs(ttlMs);
    const record = this.#find(this.#records, key);
    if (record?.number !== version || (fence !== undefined && fence < record.fence)) return undefined;
    this.#makeRoom(bytes, this.#options.maxBytes);
    // Where it is of what makes room, it may have been the oldest.
    if (this.#records.get(key) !== record) return undefined;
    this.#bytes += bytes;
    if (this.#passing.has(record)) this.#passingBytes += bytes;
    record.bytes += bytes;
    record.value = value;
    record.number = this.#next();
    this.#postpone(record, ms);
    this.onKept(record);
    this.onChange([key]);
    return record.number;
  }

  touch(key: string, ttlMs: number): boolean {
    const ms = lifetimeMs(ttlMs);
    const record = this.#find(this.#records, key);
    if (record === undefined) return false;
    this.#postpone(record, ms);
    this.onKept(record);
    return true;
  }

  take(key: string): string | undefined {
    const record = this.#find(this.#records, key);
    if (record === undefined) return undefined;
    this.#drop(record);
    this.onChange([key]);
    return record.value;
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) {
      const record = this.#records.get(key);
      const lease = this.#leases.get(key);
      if (record !== undefined) this.#drop(record);
      if (lease !== undefined) this.#drop(lease);
    }
    if (keys.length > 0) this.onChange(keys);
  }

  /** Throws `RecordsUnavailable` where a set has as many members as it can: to forget one would be to lose a session. */
  addMember(set: string, member: string, ttlMs: number): number {
    checkName(set);
    checkName(member);
    const ms = lifetimeMs(ttlMs);
    const members = this.#sets.get(set);
    const known = members && this.#find(members, member);
    if (known !== undefined) {
      this.#postpone(known, ms);
      this.onKept(known);
      return members?.size ?? 0;
    }
    if ((members?.size ?? 0) >= MAX_MEMBERS && this.members(set).length >= MAX_MEMBERS)
      throw this.#refuse(`a set has ${MAX_MEMBERS} members already`);
    this.#add({ kind: 'member', key: set, member, value: '', number: 0, fence: 0 }, 0, ms);
    return this.#sets.get(set)?.size ?? 0;
  }

  removeMember(set: string, member: string): void {
    const entry = this.#sets.get(set)?.get(member);
    if (entry !== undefined) this.#drop(entry);
  }

  members(set: string): readonly string[] {
    const now = this.#options.nowMs();
    const found: Entry[] = [];
    for (const entry of this.#sets.get(set)?.values() ?? [])
      if (entry.expiresAtMs > now) found.push(entry);
      else this.#drop(entry);
    found.sort((one, other) => one.expiresAtMs - other.expiresAtMs);
    return found.map(({ member }) => member ?? '');
  }

  acquire(key: string, holder: string, ttlMs: number): Lease | undefined {
    checkName(key);
    checkName(holder);
    const ms = lifetimeMs(ttlMs);
    const lease = this.#find(this.#leases, key);
    if (lease !== undefined) {
      if (lease.value !== holder) return undefined;
      this.#postpone(lease, ms);
      return { fence: lease.number };
    }
    const granted = this.#add(
      { kind: 'lease', key, member: undefined, value: holder, number: 0, fence: 0 },
      holder.length,
      ms,
    );
    const record = this.#find(this.#records, key);
    if (record !== undefined) record.fence = granted.number;
    return { fence: granted.number };
  }

  renew(key: string, holder: string, ttlMs: number): boolean {
    const ms = lifetimeMs(ttlMs);
    const lease = this.#find(this.#leases, key);
    if (lease?.value !== holder) return false;
    this.#postpone(lease, ms);
    return true;
  }

  release(key: string, holder: string): void {
    const lease = this.#find(this.#leases, key);
    if (lease?.value !== holder) return;
    this.#drop(lease);
    this.onChange([key]);
  }

  /** Lets go of what has ended, at most `limit` entries; whether there may be more. */
  expire(limit: number = EXPIRED_AT_ONCE): boolean {
    const now = this.#options.nowMs();
    for (let left = limit; left > 0; left--) {
      const { first } = this.#expiry;
      if (first === undefined || first.expiresAtMs > now) return false;
      this.#drop(first);
    }
    return true;
  }

  /** As a file keeps it; undefined where there is none. */
  kept({ key, member }: EntryName): KeptEntry | undefined {
    const entry = member === undefined ? this.#records.get(key) : this.#sets.get(key)?.get(member);
    return entry === undefined ? undefined : keptAs(entry);
  }

  /** Every one that a file keeps. */
  *allKept(): Generator<KeptEntry> {
    for (const record of this.#records.values()) yield keptAs(record);
    for (const members of this.#sets.values()) for (const member of members.values()) yield keptAs(member);
  }

  /** Puts in what a file kept, before anything else is asked; false where there is no room. */
  restore(entry: KeptEntry): boolean {
    const now = this.#options.nowMs();
    if (entry.expiresAtMs <= now) return true;
    const isRecord = entry.kind === 'record';
    const value = isRecord ? entry.value : '';
    const bytes = Buffer.byteLength(value);
    const key = isRecord ? entry.key : entry.set;
    const member = isRecord ? undefined : entry.member;
    if (this.#bytes + bytes + ENTRY_BYTES > this.#options.maxBytes) return false;
    const number = isRecord ? entry.version : 0;
    this.continueAfter(number);
    this.#insert({ kind: entry.kind, key, member, value, number, fence: 0 }, bytes, entry.expiresAtMs);
    return true;
  }

  /** Versions and fences go on above a number that was given before. */
  continueAfter(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  /** The highest version or fence that was given. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  #find(entries: ReadonlyMap<string, Entry>, name: string): Entry | undefined {
    const entry = entries.get(name);
    if (entry === undefined || entry.expiresAtMs > this.#options.nowMs()) return entry;
    this.#drop(entry);
    return undefined;
  }

  #add(entry: Omit<Entry, 'bytes' | keyof Expiring>, valueBytes: number, ttlMs: number): Entry {
    const { maxBytes, nowMs } = this.#options;
    // Leases may use what is kept for those who are signed in: they are short, and what refreshes their tokens.
    const limit = entry.kind === 'lease' ? maxBytes : maxBytes - maxBytes / 8;
    const bytes = bytesOf(entry, valueBytes);
    if (isPassing(entry)) this.#makeRoomAmongPassing(bytes);
    this.#makeRoom(bytes, limit);
    if (entry.kind !== 'member') entry.number = this.#next();
    const added = this.#insert(entry, valueBytes, nowMs() + ttlMs);
    if (entry.kind !== 'lease') this.onKept(added);
    return added;
  }

  #insert(parts: Omit<Entry, 'bytes' | keyof Expiring>, valueBytes: number, expiresAtMs: number): Entry {
    const { kind, key, member, value, number, fence } = parts;
    const bytes = bytesOf(parts, valueBytes);
    const entry: Entry = { kind, key, member, value, number, fence, bytes, expiresAtMs, heapIndex: 0 };
    this.#bytes += bytes;
    if (isPassing(entry)) {
      this.#passing.add(entry);
      this.#passingBytes += bytes;
    }
    this.#expiry.add(entry);
    if (member === undefined) (kind === 'record' ? this.#records : this.#leases).set(key, entry);
    else {
      const members = this.#sets.get(key) ?? new Map<string, Entry>();
      this.#sets.set(key, members.set(member, entry));
    }
    return entry;
  }

  #postpone(entry: Entry, ttlMs: number): void {
    entry.expiresAtMs = this.#options.nowMs() + ttlMs;
    this.#expiry.moved(entry);
  }

  #drop(entry: Entry): void {
    this.#expiry.remove(entry);
    this.#bytes -= entry.bytes;
    if (this.#passing.delete(entry)) this.#passingBytes -= entry.bytes;
    const { kind, key, member } = entry;
    if (member !== undefined) {
      const members = this.#sets.get(key);
      members?.delete(member);
      if (members?.size === 0) this.#sets.delete(key);
    } else (kind === 'record' ? this.#records : this.#leases).delete(key);
    if (kind !== 'lease') this.onKept(entry);
  }

  /** What has ended goes first, then what anybody may begin. Nothing else is ever dropped: that would sign somebody out in silence. */
  #makeRoom(bytes: number, limit: number): void {
    this.expire();
    while (this.#bytes + bytes > limit && this.expire());
    while (this.#bytes + bytes > limit && this.#dropOldestPassing());
    if (bytes > 0 && this.#bytes + bytes > limit)
      throw this.#refuse('the memory for records is full: see state.memory.records');
  }

  #makeRoomAmongPassing(bytes: number): void {
    const limit = this.#options.maxBytes / 4;
    while (this.#passingBytes + bytes > limit && this.#dropOldestPassing());
  }

  /** False where there is none. */
  #dropOldestPassing(): boolean {
    for (const oldest of this.#passing) {
      this.#drop(oldest);
      if (oldest.kind === 'record') this.onChange([oldest.key]);
      return true;
    }
    return false;
  }

  #refuse(reason: string): RecordsUnavailable {
    this.refused++;
    return new RecordsUnavailable(reason);
  }

  /** Above all that were given, also before a restart or to a record of the same key that is gone: microseconds of the clock, or the next. */
  #next(): number {
    this.#lastNumber = Math.max(this.#lastNumber + 1, Math.floor(this.#options.nowMs() * 1000));
    return this.#lastNumber;
  }
}

function bytesOf({ key, member }: Pick<Entry, 'key' | 'member'>, valueBytes: number): number {
  return ENTRY_BYTES + key.length + (member?.length ?? 0) + valueBytes;
}

/** A lease is none: it is short, and somebody's who is at work. */
function isPassing({ kind, key }: Pick<Entry, 'kind' | 'key'>): boolean {
  return kind !== 'lease' && key.startsWith(PASSING);
}

function keptAs({ kind, key, member, value, number, expiresAtMs }: Entry): KeptEntry {
  return kind === 'record'
    ? { kind, key, value, version: number, expiresAtMs }
    : { kind: 'member', set: key, member: member ?? '', expiresAtMs };
}
