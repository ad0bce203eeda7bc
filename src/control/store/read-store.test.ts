import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { startManager } from '../../../test/support/manager.ts';
import { openPostgresSchema } from '../../../test/support/postgres.ts';
import { readStore } from './read-store.ts';
import type { StoreSettings } from './schema.ts';
import { EMPTY_STATE } from './state.ts';

/** The settings of a store that holds a consumer, whose key is a secret. */
async function madeStore(directory: string): Promise<StoreSettings> {
  await using at = await startManager({ directory });
  const changes = [
    {
      collection: 'consumers',
      name: 'ann',
      value: { apiKeys: [{ id: 'laptop', key: 'the-key-of-ann-0123456789' }] },
    },
  ] as const;
  const { kind } = await at.manager.change({ author: 'ann', changes });
  assert.equal(kind, 'applied');
  return at.reloader.current.store;
}

function folder() {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-read-store-'));
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

describe('A store that is only read', () => {
  it('gives what it holds, secrets included', async () => {
    using at = folder();
    const { revision, entities } = await readStore(await madeStore(at.directory));
    assert.equal(revision, 1);
    assert.deepEqual(entities.get('consumers')?.get('ann')?.value, {
      apiKeys: [{ id: 'laptop', key: 'the-key-of-ann-0123456789' }],
    });
  });

  it('is empty where there is none yet, and stays so', async () => {
    using at = folder();
    const settings = await madeStore(at.directory);
    const file = join(at.directory, 'another.db');
    assert.equal(await readStore({ ...settings, place: { kind: 'sqlite', file } }), EMPTY_STATE);
    assert.deepEqual([existsSync(file), existsSync(`${file}.key`)], [false, false]);
  });

  it('is refused where its key is gone, and none is made', async () => {
    using at = folder();
    const settings = await madeStore(at.directory);
    const key = join(at.directory, 'portcullis.db.key');
    renameSync(key, `${key}.away`);
    await assert.rejects(readStore(settings), {
      message: `the key of the store cannot be used: its key is gone: ${key} does not exist`,
    });
    assert.ok(!existsSync(key));
  });

  it('is refused where its tables are older, which stay as they are', async () => {
    using at = folder();
    const settings = await madeStore(at.directory);
    const count = (): unknown => {
      using database = new DatabaseSync(join(at.directory, 'portcullis.db'));
      return database.prepare('select count(*) as found from migrations').get()?.['found'];
    };
    {
      using database = new DatabaseSync(join(at.directory, 'portcullis.db'));
      database.exec('delete from migrations where name = (select max(name) from migrations)');
    }
    const before = count();
    await assert.rejects(readStore(settings), {
      message:
        'the tables of the store are older than this program: `portcullis migrate` brings them up to date',
    });
    assert.equal(count(), before);
  });

  it('in PostgreSQL is empty where there is none yet, and no schema is made', async () => {
    using at = folder();
    const settings = await madeStore(at.directory);
    const postgres = await openPostgresSchema();
    try {
      const { url, schema } = postgres;
      const place = { kind: 'postgres', url, schema, timeoutMs: 5000 } as const;
      assert.equal(await readStore({ ...settings, place }), EMPTY_STATE);
      const found = await postgres.query(`select to_regnamespace('${schema}') is null as missing`);
      assert.deepEqual(found, [{ missing: true }]);
    } finally {
      await postgres.close();
    }
  });
});
