import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { StoreDatabase } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { openPostgres } from '../../store/postgres.ts';
import { openSqlite } from '../../store/sqlite.ts';
import { RightsStore } from './rights-store.ts';

export const STORE_KINDS = ['sqlite', 'postgres'] as const;

/** A store of accounts on a database of its own, which is gone when it is disposed of. */
export interface TestStore extends AsyncDisposable {
  readonly store: RightsStore;
  readonly database: StoreDatabase;
  readonly clock: { nowMs: number };
}

/** Fails with what is wrong where there is no PostgreSQL. */
export async function openTestStore(
  kind: (typeof STORE_KINDS)[number],
  /** Organizations of the file; default: every one is. */
  isOfFile: (organization: string) => boolean = () => true,
): Promise<TestStore> {
  const clock = { nowMs: Date.UTC(2030, 0, 1) };
  const opened = await (kind === 'sqlite' ? sqliteStore() : postgresStore());
  const { database } = opened;
  await migrate(database);
  const access = { existing: async () => ({ database }), open: async () => ({ database }) };
  return {
    store: new RightsStore(access, () => clock.nowMs, isOfFile),
    database,
    clock,
    async [Symbol.asyncDispose]() {
      await opened.drop();
    },
  };
}

interface Opened {
  readonly database: StoreDatabase;
  drop(): Promise<void>;
}

async function sqliteStore(): Promise<Opened> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-rights-'));
  const database = await openSqlite(join(directory, 'store.db'));
  return {
    database,
    async drop() {
      await database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

async function postgresStore(): Promise<Opened> {
  const url = process.env['DATABASE_URL'] ?? `postgresql://${userInfo().username}@127.0.0.1:5432/test`;
  const schema = `rights_${randomBytes(6).toString('hex')}`;
  try {
    const database = await openPostgres({ kind: 'postgres', url, schema, timeoutMs: 5000 });
    return {
      database,
      async drop() {
        await database.writing((transaction) =>
          sql`drop schema ${sql.id(schema)} cascade`.execute(transaction),
        );
        await database.close();
      },
    };
  } catch (error) {
    throw new Error(`these tests need PostgreSQL at ${url} (DATABASE_URL)`, { cause: error });
  }
}
