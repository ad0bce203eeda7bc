import { DatabaseSync } from 'node:sqlite';
import { PERS, type QuotaRecord } from '../../state/quota/quota.ts';

/** The lock is the system's own: that of a process that is dead is gone with it. */
const SCHEMA = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS quotas (
  plan TEXT NOT NULL,
  consumer TEXT NOT NULL,
  per TEXT NOT NULL,
  starts INTEGER NOT NULL,
  ends INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (plan, consumer, per)
) STRICT, WITHOUT ROWID`;

const SQLITE_BUSY = 5;

/** Another process has the file. */
export class QuotaFileInUse extends Error {}

/**
 * Counts of quotas on the disk: an SQLite database, which is this process's alone until it is closed, since two that write what each of them has
 * counted would undo each other's counts. Every method throws where that fails.
 */
export class QuotaFile {
  readonly #database: DatabaseSync;

  /** Throws QuotaFileInUse where another process has it. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    try {
      this.#database.exec(SCHEMA);
      // What is there already takes no lock: this does, and it is kept.
      this.#inTransaction(() => {});
    } catch (error) {
      this.#database.close();
      if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
        throw new QuotaFileInUse('another process has it', { cause: error });
      throw error;
    }
  }

  /** What has not ended. */
  read(nowMs: number): QuotaRecord[] {
    const rows = this.#database
      .prepare('SELECT plan, consumer, per, starts, ends, used FROM quotas WHERE ends > ?')
      .all(nowMs);
    const byKey = Map.groupBy(rows, ({ plan, consumer }) => JSON.stringify([plan, consumer]));
    return Array.from(byKey.values(), (group) => ({
      plan: String(group[0]?.['plan']),
      consumer: String(group[0]?.['consumer']),
      counts: PERS.map((per) => {
        const row = group.find((one) => one['per'] === per);
        return {
          period: { startMs: Number(row?.['starts'] ?? 0), endMs: Number(row?.['ends'] ?? 0) },
          used: Number(row?.['used'] ?? 0),
        };
      }),
    }));
  }

  /** All of them, or none where it throws. */
  write(records: readonly QuotaRecord[]): void {
    this.#inTransaction(() => {
      const put = this.#database.prepare('INSERT OR REPLACE INTO quotas VALUES (?, ?, ?, ?, ?, ?)');
      for (const { plan, consumer, counts } of records)
        for (const [i, { period, used }] of counts.entries())
          put.run(plan, consumer, PERS[i] as string, period.startMs, period.endMs, used);
    });
  }

  /** What has ended is of no use any more. */
  forgetEnded(nowMs: number): void {
    this.#database.prepare('DELETE FROM quotas WHERE ends <= ?').run(nowMs);
  }

  close(): void {
    this.#database.close();
  }

  #inTransaction(act: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      act();
      this.#database.exec('COMMIT');
    } catch (error) {
      // A disk that is full may have ended it already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
