import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { CompiledQuery, type DatabaseConnection, Kysely, SqliteDialect, SqliteDriver } from 'kysely';
import type { StoreDatabase } from './database.ts';
import type { StoreTables } from './tables.ts';

/**
 * FULL rather than NORMAL: a change that was acknowledged outlives a loss of power, for the price of one fsync, which nobody who changes a
 * configuration notices.
 */
const SETTINGS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
PRAGMA busy_timeout = 1000`;

const SQLITE_BUSY = 5;
/** How long one process waits for another's change of the same file. */
const LOCK_PATIENCE_MS = 30_000;
const LOCK_PAUSE_MS = 10;

/** Opens a database in a file, which is made where it is not there; only its owner may read it. */
export function openSqlite(file: string): StoreDatabase {
  const isFile = file !== ':memory:';
  // Whatever the umask.
  if (isFile) closeSync(openSync(file, 'a', 0o600));
  const writer = connect(file, ImmediateDriver);
  // Whoever reads does not wait for a change that is being put into force: the log keeps what was there before it.
  const reader = isFile ? connect(file, SqliteDriver) : writer;
  return {
    kind: 'sqlite',
    queries: reader,
    reading: (act) => reader.transaction().execute(act),
    writing: (act) => writer.transaction().execute(act),
    // A transaction that writes has the file to itself.
    lock: async () => {},
    // Other processes poll.
    announce: async () => {},
    listen: () => ({ close: () => {} }),
    async close() {
      await reader.destroy();
      await writer.destroy();
    },
  };
}

function connect(file: string, Driver: typeof SqliteDriver): Kysely<StoreTables> {
  const database = new DatabaseSync(file);
  try {
    database.exec(SETTINGS);
  } catch (error) {
    database.close();
    throw error;
  }
  return new Kysely<StoreTables>({ dialect: new NodeSqliteDialect(database, Driver) });
}

/** Kysely’s dialect for better-sqlite3 over the SQLite that comes with Node.js. */
class NodeSqliteDialect extends SqliteDialect {
  readonly #makeDriver: () => SqliteDriver;

  constructor(database: DatabaseSync, Driver: typeof SqliteDriver) {
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
    this.#makeDriver = () => new Driver(config);
  }

  override createDriver(): SqliteDriver {
    return this.#makeDriver();
  }
}

/** Takes the lock at the beginning: one that begins to write later may find what it has read outdated, and fails. */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const until = performance.now() + LOCK_PATIENCE_MS;
    for (;;) {
      try {
        await connection.executeQuery(CompiledQuery.raw('begin immediate'));
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > until) throw error;
        await setTimeout(LOCK_PAUSE_MS);
      }
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
