import type { Transaction } from 'kysely';

/** A step from one shape of the tables to the next. It is never changed after a release: what is to be other is a further step. */
export interface Migration {
  /** Number and name; they are taken in the order of the list. */
  readonly name: string;
  /** What it does, for people. */
  readonly summary: string;
  /** Within the transaction of all that are due. The same statements must do for both databases. */
  up(transaction: Transaction<unknown>): Promise<void>;
}
