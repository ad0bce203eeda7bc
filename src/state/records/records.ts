/**
 * Begins the names of records and sets of what anybody may begin who is not signed in, such as logins under way. In memory they have a part of the room
 * for themselves, where the oldest go first, so that they never keep anybody from being signed in.
 */
export const PASSING = 'p:';

/** A record as it was read. */
export interface StoredRecord {
  readonly value: string;
  /** Grows with every write of the record. */
  readonly version: number;
}

/** The right to do something alone, for a while. */
export interface Lease {
  /** Grows with every lease of the same name: what is written under an older one than the last is refused. */
  readonly fence: number;
}

/**
 * Small texts that workers and nodes share, such as sessions, each with a lifetime: memory of this machine with a file, or Redis. Each call is one
 * step that happens wholly or not at all. Names of all kinds are up to 200 characters `A-Za-z0-9._:-`; values up to 256 KiB. Lifetimes are milliseconds,
 * at most 400 days. Every method rejects with `RecordsUnavailable` where the store does not answer in time, when nothing is known of what became
 * of a write, or has no room; with a `RangeError` for what cannot be a name, a value or a lifetime.
 */
export interface Records {
  /** Undefined where there is none, or its lifetime is over. */
  read(key: string): Promise<StoredRecord | undefined>;
  /** False where there is one of that key already. */
  create(key: string, value: string, ttlMs: number): Promise<boolean>;
  /**
   * The new version; undefined where the record is not of that version any more, or `fence` is given and a younger lease of the key was granted.
   */
  replace(
    key: string,
    value: string,
    ttlMs: number,
    version: number,
    fence?: number,
  ): Promise<number | undefined>;
  /** Gives the record a new lifetime; false where there is none. */
  touch(key: string, ttlMs: number): Promise<boolean>;
  /** Reads and removes in one step: for what may be used once. */
  take(key: string): Promise<string | undefined>;
  /**
   * Of records and leases. When it resolves, no worker of this node remembers them (memory), or none can read them any more and the news is under way
   * to all (Redis, where keys of a cluster may lie on several servers and go one after the other).
   */
  remove(keys: readonly string[]): Promise<void>;

  /**
   * Sets of names, such as the sessions of a user. Each member has a lifetime of its own. Resolves with how many there are now; rejects with
   * `RecordsUnavailable` at 1,000 members.
   */
  addMember(set: string, member: string, ttlMs: number): Promise<number>;
  removeMember(set: string, member: string): Promise<void>;
  /** At most 1,000 of them, in the order in which they end. */
  members(set: string): Promise<readonly string[]>;

  /** Undefined while somebody else has it; who has it already gets it again. `holder` is a random text of the asker's. */
  acquire(key: string, holder: string, ttlMs: number): Promise<Lease | undefined>;
  /** False where it is not the holder's any more. */
  renew(key: string, holder: string, ttlMs: number): Promise<boolean>;
  release(key: string, holder: string): Promise<void>;

  /** Whether `onChange` is surely told of what others write: while it is not, nothing that was read may be relied on later. */
  readonly isLive: boolean;
  /**
   * Told, at least once, of each key whose value anybody wrote or removed, itself included, and of leases that were released; undefined: of any key.
   * Not told of lifetimes: neither that they are longer now nor that they ended. Returns what ends it.
   */
  onChange(listener: (key: string | undefined) => void): () => void;
}

/** Records with an end. */
export interface OpenRecords extends Records {
  close(): Promise<void>;
}

/** The store of records did not answer, not in time, or has no room. */
export class RecordsUnavailable extends Error {
  override readonly name = 'RecordsUnavailable';
}
