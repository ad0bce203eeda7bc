import { userInfo } from 'node:os';
import { Kysely, PostgresDialect, PostgresDriver, sql } from 'kysely';
import pg from 'pg';
import type { StoreDatabase } from './database.ts';
import { listenOn } from './postgres-listener.ts';
import type { StoreSettings } from './schema.ts';
import type { StoreTables } from './tables.ts';

export type PostgresPlace = Extract<StoreSettings['place'], { kind: 'postgres' }>;

const INT8 = pg.types.builtins.INT8;
/** A change, its readers, and one to spare. */
const MAX_CONNECTIONS = 4;
/** A node that dies amid a change, or hangs in it, holds the others up no longer than this. */
const MAX_IDLE_IN_TRANSACTION_MS = 60_000;
/** First half of the number of the lock; the other half is made of the schema's name. */
const LOCK = 0x70_6f_72_74;

/** Every connection has the schema as its path: statements name tables alone. */
export function clientConfig({ url, schema, timeoutMs }: PostgresPlace): pg.ClientConfig {
  return {
    connectionString: withUser(url),
    options: `-c search_path=${schema}`,
    application_name: 'portcullis',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
  };
}

function isWaiting(client: object): boolean {
  return '_activeQuery' in client && client._activeQuery !== null && client._activeQuery !== undefined;
}

/** Connects, and makes the schema where it is not there and `mayMake`. Rejects where that cannot be done. */
export async function openPostgres(place: PostgresPlace, mayMake = true): Promise<StoreDatabase> {
  const pool = new pg.Pool({
    ...clientConfig(place),
    max: MAX_CONNECTIONS,
    idle_in_transaction_session_timeout: MAX_IDLE_IN_TRANSACTION_MS,
    lock_timeout: place.timeoutMs,
    // Numbers of revisions and milliseconds: far below what a number holds exactly.
    types: { getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) },
  });
  // Of a connection that lies idle: the next one to ask gets another.
  pool.on('error', () => {});
  // Of one in use: whoever uses it is told by its query.
  pool.on('connect', (client) => client.on('error', () => {}));
  // One whose query was given up still waits for its answer: whoever got it next would wait behind that.
  pool.on('release', (_error, client) => {
    if (isWaiting(client)) void client.end().catch(() => {});
  });
  const queries = new Kysely<StoreTables>({ dialect: new Dialect(pool) });
  const { schema } = place;
  try {
    if (mayMake) await makeSchema(pool, schema);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    kind: 'postgres',
    queries,
    reading: (act) =>
      queries.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(act),
    writing: (act) => queries.transaction().execute(act),
    async lock(transaction) {
      await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)}, hashtext(${schema}))`.execute(transaction);
    },
    async announce(transaction, revision) {
      await sql`select pg_notify(${channelOf(schema)}, ${String(revision)})`.execute(transaction);
    },
    async nowMs(transaction) {
      const now = sql<{ ms: number }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`;
      const { rows } = await now.execute(transaction);
      return rows[0]?.ms ?? Date.now();
    },
    listen: (onNews) => listenOn(clientConfig(place), channelOf(schema), onNews),
    close: () => queries.destroy(),
  };
}

class Dialect extends PostgresDialect {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    super({ pool });
    this.#pool = pool;
  }

  override createDriver(): PostgresDriver {
    return new Driver({ pool: this.#pool });
  }
}

class Driver extends PostgresDriver {
  /**
   * Does not reject: whoever asked for the change is to hear why that failed, and PostgreSQL rolls back by itself. Kysely ends the connection after
   * this.
   */
  override async rollbackTransaction(
    connection: Parameters<PostgresDriver['rollbackTransaction']>[0],
  ): Promise<void> {
    await super.rollbackTransaction(connection).catch(() => {});
  }
}

/** As libpq does it: whoever runs the process, where neither the address nor PGUSER names a user. */
export function withUser(address: string): string {
  const url = new URL(address);
  if (url.username === '' && !url.searchParams.has('user') && process.env['PGUSER'] === undefined)
    url.username = encodeURIComponent(userInfo().username);
  return url.href;
}

/** Several installations in one database do not hear each other. */
function channelOf(schema: string): string {
  return `portcullis_${schema}`;
}

async function makeSchema(pool: pg.Pool, schema: string): Promise<void> {
  const found = await pool.query('select to_regnamespace($1) is not null as found', [schema]);
  // Whoever may use a schema need not be allowed to make one.
  if (found.rows[0]?.found === true) return;
  try {
    await pool.query(`create schema if not exists ${pg.escapeIdentifier(schema)}`);
  } catch (error) {
    // Another node made it in this moment.
    if ((error as { code?: unknown }).code !== '23505') throw error;
  }
}
