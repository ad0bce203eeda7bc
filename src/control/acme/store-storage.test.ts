import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openPostgresSchema, type TestPostgres } from '../../../test/support/postgres.ts';
import type { StoreSettings } from '../store/schema.ts';
import { StoreConnection } from '../store/store-connection.ts';
import type { Challenge } from './order.ts';
import { typed } from './rows.ts';
import type { CertificateRecord, FailureRecord } from './storage.ts';
import { StoreStorage } from './store-storage.ts';

const LONG_MS = 60_000;
const KEY = 'a key of at least thirty-two characters';
const PRIVATE = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

const certificate: CertificateRecord = {
  name: 'shop',
  ordered: 'digest',
  cert: '-----BEGIN CERTIFICATE-----\nY2VydA==\n-----END CERTIFICATE-----\n',
  key: PRIVATE,
  issuedAtMs: 1_700_000_000_000,
  renewAtMs: 1_705_000_000_000,
};
const failure: FailureRecord = {
  name: 'shop',
  settings: 'digest',
  failures: 2,
  reason: 'shop.example: wrong answer (unauthorized)',
  atMs: 1_700_000_000_000,
  retryAtMs: 1_700_000_300_000,
};
const challenge: Challenge = { type: 'http-01', host: 'shop.example', token: 'T', keyAuthorization: 'T.p' };

for (const kind of ['sqlite', 'postgres'] as const) {
  suite(`what comes by ACME is kept in ${kind}`, () => {
    let postgres: TestPostgres | undefined;
    let folder: string;
    let connection: StoreConnection;
    let storage: StoreStorage;
    let other: StoreConnection;
    let theirs: StoreStorage;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'portcullis-acme-'));
      if (kind === 'postgres') postgres = await openPostgresSchema();
      connection = connect();
      other = connect();
      storage = new StoreStorage(connection);
      theirs = new StoreStorage(other);
    });

    after(async () => {
      await connection.close();
      await other.close();
      await rm(folder, { recursive: true });
      await postgres?.close();
    });

    function connect(keys: readonly string[] = [KEY]): StoreConnection {
      const place: StoreSettings['place'] =
        postgres === undefined
          ? { kind: 'sqlite', file: join(folder, 'store.db') }
          : { kind: 'postgres', url: postgres.url, schema: postgres.schema, timeoutMs: 5000 };
      const settings = {
        enabled: true,
        place,
        keys,
        pollMs: 5000,
        snapshotFile: join(folder, 's'),
        revisions: 10,
      };
      return new StoreConnection({ settings, log: () => {} });
    }

    test('nothing at first', async () => {
      const { certificates, failures, challenges } = await storage.read();
      assert.deepEqual([certificates.size, failures.size, challenges.length], [0, 0, 0]);
      assert.equal(await storage.account('a'), undefined);
      assert.equal(storage.isShared, kind === 'postgres');
    });

    test('an account, with its last key', async () => {
      await storage.saveAccount({ id: 'a', key: 'first', url: 'https://acme/1' });
      await storage.saveAccount({ id: 'a', key: PRIVATE, url: 'https://acme/2' });
      assert.deepEqual(await theirs.account('a'), { id: 'a', key: PRIVATE, url: 'https://acme/2' });
      assert.equal(await theirs.account('b'), undefined);
    });

    test('a failure, until there is a certificate; each change has a version of its own', async () => {
      const versions = [await storage.version()];
      await storage.saveFailure(failure);
      versions.push(await theirs.version());
      assert.deepEqual((await theirs.read()).failures, new Map([['shop', failure]]));
      await storage.saveCertificate(certificate);
      versions.push(await theirs.version());
      const state = await theirs.read();
      assert.equal(state.version, versions.at(-1));
      assert.deepEqual(state.certificates, new Map([['shop', certificate]]));
      assert.equal(state.failures.size, 0);
      assert.equal(new Set(versions).size, 3);
    });

    test('challenges, until they are over or replaced', async () => {
      await storage.saveChallenges('shop', [challenge], LONG_MS);
      assert.deepEqual((await theirs.read()).challenges, [challenge]);
      const version = await storage.version();
      await storage.saveChallenges('shop', [], LONG_MS);
      assert.deepEqual((await theirs.read()).challenges, []);
      assert.notEqual(await storage.version(), version);
      const unchanged = await storage.version();
      await storage.saveChallenges('shop', [], LONG_MS);
      assert.equal(await storage.version(), unchanged);
    });

    test('challenges of a node that could not take them back go when the next one writes some', async () => {
      await storage.saveChallenges('left behind', [challenge], -1);
      assert.deepEqual((await theirs.read()).challenges, []);
      const version = await storage.version();
      await theirs.saveChallenges('shop', [], LONG_MS);
      assert.notEqual(await storage.version(), version);
      const { queries } = (await connection.open()).database;
      const left = await typed(queries).selectFrom('acme_challenges').selectAll().execute();
      assert.deepEqual(left, []);
    });

    test('a lease, which one holder has until it gives it back or its time is over', async () => {
      assert.equal(await storage.lease('a', LONG_MS), true);
      assert.equal(await theirs.lease('b', LONG_MS), false);
      assert.equal(await storage.lease('a', 0), true);
      assert.equal(await theirs.lease('b', LONG_MS), true);
      await storage.release('a');
      assert.equal(await storage.lease('a', LONG_MS), false);
      await theirs.release('b');
      assert.equal(await storage.lease('a', LONG_MS), true);
      await storage.release('a');
    });

    test('times are those of the database, which nodes share, and not their own', async (t) => {
      if (kind === 'sqlite') return assert.equal(storage.isShared, false);
      assert.equal(await storage.lease('a', LONG_MS), true);
      // The clock of this node is a day ahead.
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 86_400_000 });
      assert.equal(await theirs.lease('b', LONG_MS), false);
      t.mock.timers.reset();
      await storage.release('a');
    });

    test('certificates for a start without the store, in a file beside its snapshot, where nodes share it', async () => {
      await theirs.read();
      const away = new StoreStorage({
        settings: other.settings,
        sealer: () => other.sealer(),
        existing: () => Promise.reject(new Error('away')),
        open: () => Promise.reject(new Error('away')),
      });
      const known = await away.lastKnown();
      if (kind === 'sqlite') return assert.equal(known.size, 0);
      assert.deepEqual(known, new Map([['shop', certificate]]));
      const text = await readFile(join(folder, 's.certificates'), 'utf8');
      assert.ok(!text.includes('c2VjcmV0'), 'a private key is in the file');
    });

    test('of several who want the lease at once one gets it', async () => {
      const won = await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? storage : theirs).lease(`node ${i}`, LONG_MS)),
      );
      assert.equal(won.filter(Boolean).length, 1);
    });

    test('keys are encrypted, and stay readable when the key of the store is another', async () => {
      const next = connect(['another key of thirty-two characters', KEY]);
      try {
        const { certificates } = await new StoreStorage(next).read();
        assert.deepEqual(certificates.get('shop'), certificate);
        assert.equal(await (await next.open()).reseal(), 2);
        assert.equal(await (await next.open()).reseal(), 0);
      } finally {
        await next.close();
      }
      await assert.rejects(storage.read(), /encrypted with another key/);
      if (kind === 'postgres') return;
      const files = await Promise.all(
        ['store.db', 'store.db-wal'].map((file) => readFile(join(folder, file), 'latin1').catch(() => '')),
      );
      assert.ok(!files.join('').includes('c2VjcmV0'), 'a private key is in the file');
    });
  });
}
