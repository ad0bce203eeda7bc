import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { openPostgresSchema } from '../../../test/support/postgres.ts';
import { secretsIn } from '../../../test/support/secret-search.ts';
import type { StoreDatabase, StoreTransaction } from './database.ts';
import type { EntityChange, EntityValue, Revision, StoreState } from './entity.ts';
import { EntityStore } from './entity-store.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { StoreSettings } from './schema.ts';
import { Sealer } from './sealer.ts';
import { EMPTY_STATE, entityOf, stateAfter } from './state.ts';
import { openDatabase } from './store-connection.ts';

const KEY = 'the first key of these tests, hard to guess';
const OTHER_KEY = 'another key of these tests, as hard to guess';
const TOKEN = 'x7Q-secret-token-of-a-service-9zK';

/** Where a database of its own can be had, as often as asked for. */
interface Place {
  readonly settings: StoreSettings['place'];
  /** Everything that lies in it. */
  octets(): Promise<Buffer>;
  /** Ends a transaction behind the back of whoever has it. */
  breakOff(transaction: StoreTransaction): Promise<void>;
  close(): Promise<void>;
}

async function sqlitePlace(): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-store-'));
  const file = join(directory, 'store.db');
  return {
    settings: { kind: 'sqlite', file },
    octets: async () => Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)]),
    breakOff: async (transaction) => void (await sql`rollback`.execute(transaction)),
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function postgresPlace(): Promise<Place> {
  const { url, schema, query, close } = await openPostgresSchema();
  return {
    settings: { kind: 'postgres', url, schema, timeoutMs: 5_000 },
    async octets() {
      const tables = ['entities', 'changes'].map((table) => query(`select * from ${schema}.${table}`));
      return Buffer.from(JSON.stringify(await Promise.all(tables)));
    },
    async breakOff(transaction) {
      const end = sql`select pg_terminate_backend(pg_backend_pid())`.execute(transaction);
      await assert.rejects(end);
    },
    close,
  };
}

function put(name: string, value: EntityValue, was?: EntityValue): EntityChange {
  return { collection: 'services', name, before: was, after: value };
}

function gone(name: string, was: EntityValue): EntityChange {
  return { collection: 'services', name, before: was, after: undefined };
}

async function write(
  store: EntityStore,
  state: StoreState,
  changes: readonly EntityChange[],
  more: Partial<Revision> = {},
): Promise<StoreState> {
  const revision: Revision = {
    number: state.revision + 1,
    atMs: 1_800_000_000_000 + state.revision,
    author: 'ann',
    message: undefined,
    ...more,
  };
  const next = stateAfter(state, revision, changes);
  await store.database.writing(async (transaction) => {
    await store.database.lock(transaction);
    await store.append(transaction, revision, changes, next);
  });
  return next;
}

const A = { url: 'http://127.0.0.1:1' };
const B = { url: 'http://127.0.0.1:2' };

for (const [title, makePlace] of [
  ['SQLite', sqlitePlace],
  ['PostgreSQL', postgresPlace],
] as const) {
  describe(`The store in ${title}`, () => {
    let place: Place;
    let database: StoreDatabase;
    const open = (keys: readonly string[] = [KEY], keep = 1000) =>
      new EntityStore(database, new Sealer(keys), keep);
    const empty = (): Promise<void> =>
      database.writing(async (transaction) => {
        for (const table of ['changes', 'entities', 'revisions'] as const)
          await transaction.deleteFrom(table).execute();
      });

    before(async () => {
      place = await makePlace();
      database = await openDatabase(place.settings);
      await migrate(database);
    });
    after(async () => {
      await database.close();
      await place.close();
    });

    it('gives back what was written, with who and when', async () => {
      await empty();
      const store = open();
      const written = await write(store, EMPTY_STATE, [put('a', A)], { message: 'why' });
      const read = await store.read();
      assert.deepEqual(read, written);
      assert.deepEqual(entityOf(read, 'services', 'a'), {
        collection: 'services',
        name: 'a',
        value: A,
        createdAtMs: 1_800_000_000_000,
        createdBy: 'ann',
        updatedAtMs: 1_800_000_000_000,
        updatedBy: 'ann',
        revision: 1,
      });
      assert.deepEqual(await store.revisions(undefined, 5), [
        { number: 1, atMs: 1_800_000_000_000, author: 'ann', message: 'why' },
      ]);
    });

    it('follows another one, and keeps the objects of what did not change', async () => {
      await empty();
      const store = open();
      const first = await write(store, EMPTY_STATE, [put('a', A), put('b', A), put('c', A)]);
      const known = await store.read();
      const second = await write(store, first, [put('b', B, A)], { author: 'bob' });
      await write(store, second, [gone('c', A), put('d', A)]);
      const read = await store.read(known);
      assert.equal(read.revision, 3);
      assert.equal(entityOf(read, 'services', 'a'), entityOf(known, 'services', 'a'));
      assert.deepEqual([...(read.entities.get('services')?.keys() ?? [])], ['a', 'b', 'd']);
      assert.deepEqual(entityOf(read, 'services', 'b')?.value, B);
      assert.equal(entityOf(read, 'services', 'b')?.createdBy, 'ann');
      assert.equal(entityOf(read, 'services', 'b')?.updatedBy, 'bob');
      assert.equal(await store.read(read), read);
    });

    it('compares any two revisions, in both directions', async () => {
      await empty();
      const store = open();
      let state = await write(store, EMPTY_STATE, [put('a', A)]);
      state = await write(store, state, [put('a', B, A)]);
      state = await write(store, state, [put('a', A, B), put('b', B)]);
      assert.deepEqual(await store.between(1, 3), [put('b', B)]);
      assert.deepEqual(await store.between(3, 1), [gone('b', B)]);
      assert.deepEqual(await store.between(0, 2), [put('a', B)]);
      assert.equal(await store.between(0, 4), undefined);
    });

    it('forgets the oldest revisions, and nobody is misled by that', async () => {
      await empty();
      const store = open([KEY], 3);
      let state = await write(store, EMPTY_STATE, [put('a', A), put('b', A)]);
      const old = await store.read();
      state = await write(store, state, [gone('a', A)]);
      for (const url of ['3', '4', '5', '6'])
        state = await write(store, state, [put('b', { url }, entityOf(state, 'services', 'b')?.value)]);
      assert.deepEqual(
        (await store.revisions(undefined, 9)).map(({ number }) => number),
        [6, 5, 4],
      );
      assert.equal(await store.between(2, 6), undefined);
      assert.equal((await store.between(3, 6))?.length, 1);
      assert.deepEqual([...((await store.read(old)).entities.get('services')?.keys() ?? [])], ['b']);
    });

    it('keeps secrets encrypted, of entities and of their history', async () => {
      await empty();
      const secret = { url: 'http://127.0.0.1:1', sticky: { secret: TOKEN } };
      const user = { url: `http://user:${TOKEN}@127.0.0.1:1`, sticky: { secret: 'env:STICKY' } };
      const state = await write(open(), EMPTY_STATE, [put('a', secret)]);
      await write(open(), state, [put('a', user, secret)]);
      const read = await open().read();
      assert.deepEqual(entityOf(read, 'services', 'a')?.value, user);
      assert.deepEqual((await open().between(0, 1))?.[0]?.after, secret);
      assert.deepEqual(secretsIn(await place.octets(), { TOKEN }), []);
    });

    it('says so where the key is another, takes several, and can be encrypted anew', async () => {
      await empty();
      await write(open([KEY]), EMPTY_STATE, [put('a', { sticky: { secret: TOKEN } })]);
      await assert.rejects(open([OTHER_KEY]).read(), {
        message: 'the secrets of services/a were encrypted with another key: see store.key',
      });
      const both = open([OTHER_KEY, KEY]);
      assert.deepEqual(entityOf(await both.read(), 'services', 'a')?.value, { sticky: { secret: TOKEN } });
      assert.equal(await both.reseal(), 2);
      assert.equal(await both.reseal(), 0);
      assert.deepEqual(entityOf(await open([OTHER_KEY]).read(), 'services', 'a')?.value, {
        sticky: { secret: TOKEN },
      });
    });

    it('notices a secret that was put in another’s place', async () => {
      await empty();
      const value = { sticky: { secret: TOKEN } };
      await write(open(), EMPTY_STATE, [put('a', value), put('b', value)]);
      await database.writing(async (transaction) => {
        const { secrets } = await transaction
          .selectFrom('entities')
          .select('secrets')
          .where('name', '=', 'a')
          .executeTakeFirstOrThrow();
        await transaction.updateTable('entities').set({ secrets }).where('name', '=', 'b').execute();
      });
      await assert.rejects(open().read(), {
        message: 'the secrets of services/b were changed by somebody else, or by the disk',
      });
    });

    it('takes all of a revision or nothing', async () => {
      await empty();
      const store = open([]);
      await assert.rejects(
        write(store, EMPTY_STATE, [put('a', A), put('b', { sticky: { secret: TOKEN } })]),
        {
          message: 'store.key is not set: services/b has a secret that must be encrypted',
        },
      );
      assert.equal(await store.newest(), 0);
      assert.equal((await store.read()).entities.size, 0);
    });

    it('tells why a change failed, also where it cannot be rolled back, and goes on', async () => {
      await empty();
      const store = open();
      await assert.rejects(
        store.database.writing(async (transaction) => {
          await store.database.lock(transaction);
          await place.breakOff(transaction);
          throw new Error('refused');
        }),
        { message: 'refused' },
      );
      assert.equal((await write(store, EMPTY_STATE, [put('a', A)])).revision, 1);
    });

    it('lets one change at a time, of all who have it open', async () => {
      await empty();
      const other = await openDatabase(place.settings);
      try {
        const stores = [open(), new EntityStore(other, new Sealer([KEY]), 1000)];
        await Promise.all(
          Array.from({ length: 20 }, async (_, i) => {
            const store = stores[i % 2] as EntityStore;
            await store.database.writing(async (transaction) => {
              await store.database.lock(transaction);
              const state = await store.readWithin(transaction, EMPTY_STATE);
              const revision = { number: state.revision + 1, atMs: 1, author: `${i}`, message: undefined };
              const changes = [put(`s${i}`, A)];
              await store.append(transaction, revision, changes, stateAfter(state, revision, changes));
            });
          }),
        );
        const state = await open().read();
        assert.equal(state.revision, 20);
        assert.equal(state.entities.get('services')?.size, 20);
      } finally {
        await other.close();
      }
    });

    it('brings its tables up to date once, however many begin at one time', async () => {
      const fresh = await makePlace();
      const both = await Promise.all([openDatabase(fresh.settings), openDatabase(fresh.settings)]);
      try {
        const names = MIGRATIONS.map(({ name }) => name);
        assert.deepEqual(
          (await migrationStatus(both[0])).map(({ appliedAtMs }) => appliedAtMs),
          names.map(() => undefined),
        );
        assert.deepEqual(await migrate(both[0], { dryRun: true }), names);
        const taken = await Promise.all(both.map((one) => migrate(one, { nowMs: 5 })));
        assert.deepEqual(taken.flat(), names);
        assert.deepEqual(
          (await migrationStatus(both[1])).map(({ appliedAtMs }) => appliedAtMs),
          names.map(() => 5),
        );
      } finally {
        await Promise.all(both.map((one) => one.close()));
        await fresh.close();
      }
    });

    it('refuses a database that is newer than the program', async () => {
      const fresh = await makePlace();
      const one = await openDatabase(fresh.settings);
      try {
        const later = { name: '999-later', summary: 'of a later version', up: async () => {} };
        await migrate(one, { migrations: [...MIGRATIONS, later] });
        const message =
          'the database is newer than this program: it has 999-later; use the version that made these';
        await assert.rejects(migrate(one), { message });
        await assert.rejects(migrationStatus(one), { message });
      } finally {
        await one.close();
        await fresh.close();
      }
    });
  });
}
