import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { EntryName, KeptEntry } from '../../state/records/memory/record-table.ts';
import type { RecordBox } from './record-box.ts';

/**
 * The write-ahead log makes a transaction whole or not there, also after a crash; NORMAL leaves out the fsync at the end of each, so that one takes
 * well under a millisecond: a machine that loses power may lose the last ones, a process that dies none. EXCLUSIVE is the lock against a second process.
 */
const SCHEMA = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS records (
  id BLOB PRIMARY KEY,
  box BLOB NOT NULL
) STRICT, WITHOUT ROWID`;

/** The row that holds the highest number which was given; nothing else has its name. */
const LAST_NUMBER = 'last number';

export interface KeptRecords {
  readonly entries: readonly KeptEntry[];
  readonly lastNumber: number;
}

/** Records on the disk: an SQLite database of rows that tell neither names nor contents. Every method throws where that fails. */
export class RecordFile {
  readonly #database: DatabaseSync;

  /** Throws where another process has it. */
  constructor(path: string) {
    // Nobody else may read it, whatever the umask.
    closeSync(openSync(path, 'a', 0o600));
    this.#database = new DatabaseSync(path);
    try {
      this.#database.exec(SCHEMA);
      // The lock is taken with the first write.
      this.#database.exec('BEGIN IMMEDIATE; COMMIT');
    } catch (error) {
      this.#database.close();
      if (isLocked(error)) throw new Error('another process uses it', { cause: error });
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#database.prepare('SELECT 1 FROM records LIMIT 1').get() === undefined;
  }

  /** Throws where something in it was not written with this key, or was changed since: nothing is dropped in silence. */
  read(box: RecordBox): KeptRecords {
    const lastId = box.idOf(LAST_NUMBER);
    const entries: KeptEntry[] = [];
    let lastNumber: number | undefined;
    let damaged = 0;
    for (const row of this.#database.prepare('SELECT id, box FROM records').iterate()) {
      const id = row['id'] as Uint8Array;
      const text = box.open(id, row['box'] as Uint8Array);
      if (text === undefined) damaged++;
      else if (lastId.equals(id)) lastNumber = Number(text);
      else entries.push(JSON.parse(text) as KeptEntry);
    }
    if (lastNumber === undefined && (damaged > 0 || entries.length > 0))
      throw new Error('it was written with another key: see state.memory.recordsKey');
    if (damaged > 0)
      throw new Error(`${damaged} of its records were changed by somebody else, or by the disk`);
    return { entries, lastNumber: lastNumber ?? 0 };
  }

  /** All of them, or none where it throws. An entry without content is taken out. */
  write(
    box: RecordBox,
    changes: readonly (readonly [name: EntryName, entry: KeptEntry | undefined])[],
    lastNumber: number,
  ): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const put = this.#database.prepare('INSERT OR REPLACE INTO records VALUES (?, ?)');
      const drop = this.#database.prepare('DELETE FROM records WHERE id = ?');
      for (const [name, entry] of changes) {
        const id = box.idOf(nameOf(name));
        if (entry === undefined) drop.run(id);
        else put.run(id, box.close(id, JSON.stringify(entry)));
      }
      const id = box.idOf(LAST_NUMBER);
      put.run(id, box.close(id, `${lastNumber}`));
      this.#database.exec('COMMIT');
    } catch (error) {
      // A disk that is full may have ended it already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** No two alike: names have no spaces. */
export function nameOf({ key, member }: EntryName): string {
  return member === undefined ? `record ${key}` : `member ${key} ${member}`;
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && (error as { errcode?: unknown }).errcode === 5;
}
