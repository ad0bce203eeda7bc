import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { CompiledQuery, type DatabaseConnection, Kysely, SqliteDialect, SqliteDriver } from 'kysely';
import type { StoreDatabase } from './database.ts';
import type { StoreTables } from './tables.ts';

/**
 * FULL rather than NORMAL: a change that was acknowledged outlives a loss of power, for the price of one fsync, which nobody who changes a
 * configuration notices. SQLite itself waits for nobody: it would hold up the whole thread.
 */
const SETTINGS = `
PRAGMA busy_timeout = 0;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON`;

/** Low octet of the codes that tell of another process at work. */
const SQLITE_BUSY = 5;
/** The same, where what was read is outdated: it stays so. */
const SQLITE_BUSY_SNAPSHOT = 517;
/** How long one process waits for another's change of the same file. */
const LOCK_PATIENCE_MS = 30_000;
const LOCK_PAUSE_MS = 10;

/** Takes the lock at the beginning: a transaction that begins to write later may find what it has read outdated, and fails. */
type Beginning = 'begin' | 'begin immediate';

/** Opens a database in a file, which is made where it is not there; only its owner may read it. */
export async function openSqlite(file: string): Promise<StoreDatabase> {
  const isFile = file !== ':memory:';
  // Whatever the umask.
  if (isFile) closeSync(openSync(file, 'a', 0o600));
  const writer = await connect(file, 'begin immediate');
  // Whoever reads does not wait for a change that is being put into force: the log keeps what was there before it.
  const reader = isFile ? await connect(file, 'begin') : writer;
  return {
    kind: 'sqlite',
    queries: reader,
    reading: (act) => reader.transaction().execute(act),
    writing: (act) => writer.transaction().execute(act),
    // A transaction that writes has the file to itself.
    lock: async () => {},
    // All who use the file are on one machine.
    nowMs: async () => Date.now(),
    // Other processes poll.
    announce: async () => {},
    listen: () => ({ close: () => {} }),
    async close() {
      await reader.destroy();
      await writer.destroy();
    },
  };
}

async function connect(file: string, beginning: Beginning): Promise<Kysely<StoreTables>> {
  const database = new DatabaseSync(file);
  try {
    await whenFree(() => database.exec(SETTINGS));
  } catch (error) {
    database.close();
    throw error;
  }
  return new Kysely<StoreTables>({ dialect: new NodeSqliteDialect(database, beginning) });
}

/** Kysely’s dialect for better-sqlite3 over the SQLite that comes with Node.js. */
class NodeSqliteDialect extends SqliteDialect {
  readonly #makeDriver: () => SqliteDriver;

  constructor(database: DatabaseSync, beginning: Beginning) {
    const config = {
      database: {
        close: () => database.close(),
        prepare(sql: string) {
          const statement = database.prepare(sql);
          return {
            reader: statement.columns().length > 0,
            all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])),
            run: (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[])),
            iterate: (parameters: readonly unknown[]) =>
              statement.iterate(...(parameters as SQLInputValue[])),
          };
        },
      },
    };
    super(config);
    this.#makeDriver = () => new PatientDriver(config, database, beginning);
  }

  override createDriver(): SqliteDriver {
    return this.#makeDriver();
  }
}

class PatientDriver extends SqliteDriver {
  readonly #database: DatabaseSync;
  readonly #beginning: Beginning;

  constructor(
    config: ConstructorParameters<typeof SqliteDriver>[0],
    database: DatabaseSync,
    beginning: Beginning,
  ) {
    super(config);
    this.#database = database;
    this.#beginning = beginning;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return {
      executeQuery: (query) => whenFree(() => connection.executeQuery(query)),
      streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
    };
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // One that could not be rolled back.
    if (this.#database.isTransaction) this.#database.exec('rollback');
    await connection.executeQuery(CompiledQuery.raw(this.#beginning));
  }

  /** Does not reject: whoever asked for the change is to hear why that failed. A full disk has SQLite roll back by itself. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection).catch(() => {});
  }
}

/** Tries again while another process has the file, and lets others on this thread go on meanwhile. */
async function whenFree<Result>(act: () => Result | Promise<Result>): Promise<Result> {
  const until = performance.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
      await setTimeout(LOCK_PAUSE_MS);
    }
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  const code = Number(error.errcode);
  return (code & 0xff) === SQLITE_BUSY && code !== SQLITE_BUSY_SNAPSHOT;
}
