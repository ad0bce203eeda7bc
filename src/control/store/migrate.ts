import { type Kysely, sql, type Transaction } from 'kysely';
import { type StoreDatabase, StoreRefused } from './database.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { Migration } from './migrations/migration.ts';

interface MigrationTable {
  readonly migrations: { readonly name: string; readonly at_ms: number };
}

export interface MigrationStatus {
  readonly name: string;
  readonly summary: string;
  /** Milliseconds since 1970; undefined: it is still to come. */
  readonly appliedAtMs: number | undefined;
}

/** Every migration that the program knows, and whether the database has it. Throws StoreRefused for a database that is newer. */
export function migrationStatus(
  database: StoreDatabase,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly MigrationStatus[]> {
  return database.reading(async (transaction) => {
    const queries = typed(transaction);
    const applied = (await hasTable(queries, database.kind))
      ? await appliedTo(queries)
      : new Map<string, number>();
    refuseNewer(applied, migrations);
    return migrations.map(({ name, summary }) => ({ name, summary, appliedAtMs: applied.get(name) }));
  });
}

/**
 * Applies what the database does not have yet, all of it or nothing; several nodes that start at one time do it one after the other.
 * `dryRun` takes it back at the end. Gives the names of those that were due. Throws StoreRefused for a database that is newer.
 */
export async function migrate(
  database: StoreDatabase,
  {
    migrations = MIGRATIONS,
    dryRun = false,
    nowMs = Date.now(),
  }: {
    readonly migrations?: readonly Migration[];
    readonly dryRun?: boolean;
    readonly nowMs?: number;
  } = {},
): Promise<readonly string[]> {
  const taken: string[] = [];
  const work = database.writing(async (transaction) => {
    await database.lock(transaction);
    const queries = typed(transaction);
    await queries.schema
      .createTable('migrations')
      .ifNotExists()
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute();
    const applied = await appliedTo(queries);
    refuseNewer(applied, migrations);
    for (const migration of migrations) {
      if (applied.has(migration.name)) continue;
      await migration.up(transaction as unknown as Transaction<unknown>);
      await queries.insertInto('migrations').values({ name: migration.name, at_ms: nowMs }).execute();
      taken.push(migration.name);
    }
    if (dryRun) throw new TakenBack();
  });
  await work.catch((error: unknown) => {
    if (!(error instanceof TakenBack)) throw error;
  });
  return taken;
}

class TakenBack extends Error {}

function typed(transaction: unknown): Kysely<MigrationTable> {
  return transaction as Kysely<MigrationTable>;
}

async function appliedTo(queries: Kysely<MigrationTable>): Promise<ReadonlyMap<string, number>> {
  const rows = await queries.selectFrom('migrations').selectAll().execute();
  return new Map(rows.map(({ name, at_ms }) => [name, at_ms]));
}

async function hasTable(queries: Kysely<MigrationTable>, kind: StoreDatabase['kind']): Promise<boolean> {
  const found =
    kind === 'sqlite'
      ? sql<{ found: number }>`select count(*) as found from sqlite_master where name = 'migrations'`
      : sql<{ found: number }>`select (to_regclass('migrations') is not null)::int as found`;
  const { rows } = await found.execute(queries);
  return rows[0]?.found === 1;
}

function refuseNewer(applied: ReadonlyMap<string, number>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied.keys()].filter((name) => !known.has(name)).toSorted();
  if (unknown.length > 0)
    throw new StoreRefused(
      `the database is newer than this program: it has ${unknown.join(', ')}; use the version that made these`,
    );
}
