import type { Kysely, Transaction } from 'kysely';
import type { StoreTables } from './tables.ts';

export type StoreTransaction = Transaction<StoreTables>;

/** A database of either kind. Every method rejects where that cannot be reached. */
export interface StoreDatabase {
  readonly kind: 'sqlite' | 'postgres';
  /** For single statements that read. What writes goes through `writing`: with SQLite it would find the file locked. */
  readonly queries: Kysely<StoreTables>;
  /** Everything that is read stands as it did at one moment. */
  reading<T>(act: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
  /** All of it, or nothing where `act` rejects. A transaction within one waits for ever. */
  writing<T>(act: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
  /** Within a transaction that writes: until it ends no other one that asked for the lock goes on, on any node. */
  lock(transaction: StoreTransaction): Promise<void>;
  /** Within a transaction that writes: tells those who listen once it is committed. */
  announce(transaction: StoreTransaction, revision: number): Promise<void>;
  /** Milliseconds since 1970, by a clock that all nodes share. */
  nowMs(transaction: StoreTransaction): Promise<number>;
  /** Calls back for every announcement, and whenever one may have been missed. */
  listen(onNews: () => void): { close(): void };
  close(): Promise<void>;
}

/** The store is there and is not to be used: it is newer than the program, or was written with another key. */
export class StoreRefused extends Error {}

/** The store cannot be reached. */
export class StoreUnavailable extends Error {}
