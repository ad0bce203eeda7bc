import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Pair, TestAuthority } from '../../../test/support/certificates.ts';
import { startManager, type TestManager } from '../../../test/support/manager.ts';
import { CutProxy, openPostgresSchema, type TestPostgres } from '../../../test/support/postgres.ts';
import { secretsIn } from '../../../test/support/secret-search.ts';
import type { ChangeOutcome, WantedChange } from './manager.ts';

const KEY = 'the key of these tests, which nobody guesses';
const TOKEN = 'x7Q-secret-token-of-a-service-9zK';
const STICKY = { cookie: 'node', secret: TOKEN };
const FOREVER = 3_600_000;

function service(name: string, more: object = {}): WantedChange {
  return { collection: 'services', name, value: { url: 'http://127.0.0.1:1', ...more } };
}

async function until(at: TestManager, check: () => boolean, what: string): Promise<void> {
  await at.changes.until(check, what, () => at.log.join('\n'));
}

describe('Nodes that share a PostgreSQL', () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await openPostgresSchema();
  });
  after(() => postgres.close());

  /** `poll` in milliseconds: so long that news come by themselves. */
  function config(url = postgres.url, poll = FOREVER): string {
    return `store: { postgres: { url: '${url}', schema: ${postgres.schema}, timeout: 1s }, key: '${KEY}', poll: ${poll}ms }\n`;
  }

  it('hear of each other’s changes at once, and know how far each is', async () => {
    await using one = await startManager({ config: config(), node: 'one' });
    await using two = await startManager({ config: config(), node: 'two' });
    await one.manager.change({ author: 'ann', changes: [service('first')] });
    await until(two, () => two.manager.revision === one.manager.revision, 'the first revision');
    const started = performance.now();
    const outcome = await one.manager.change({ author: 'ann', changes: [service('second')] });
    await until(two, () => two.manager.get('services', 'second') !== undefined, 'the second revision');
    assert.ok(performance.now() - started < 1000);
    assert.ok(outcome.kind === 'applied');
    await two.manager.report();
    assert.deepEqual(
      (await one.manager.nodes()).map(({ node, revision, problems }) => [node, revision, problems]),
      [
        ['one', outcome.revision, []],
        ['two', outcome.revision, []],
      ],
    );
  });

  it('are not waited for when they have ended, and nothing is left of them', async () => {
    await using one = await startManager({ config: config(), node: 'one' });
    const two = await startManager({ config: config(), node: 'two' });
    await two.manager.report();
    const names = async () => (await one.manager.nodes()).map(({ node }) => node);
    assert.deepEqual(await names(), ['one', 'two']);
    await two[Symbol.asyncDispose]();
    assert.deepEqual(await names(), ['one']);
  });

  it('serialise their changes: of 20 writers on two nodes none loses one', async () => {
    await using one = await startManager({ config: config() });
    await using two = await startManager({ config: config(), node: 'two' });
    const begin = one.manager.revision;
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? one : two).manager.change({ author: `w${i}`, changes: [service(`w${i}`)] }),
      ),
    );
    const revisions = outcomes.flatMap((outcome) => (outcome.kind === 'applied' ? [outcome.revision] : []));
    assert.deepEqual(
      revisions.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => begin + 1 + i),
    );
    for (const at of [one, two]) {
      await until(at, () => at.manager.revision === begin + 20, 'the last revision');
      const names = new Set(at.manager.list('services').map(({ name }) => name));
      assert.ok(Array.from({ length: 20 }, (_, i) => `w${i}`).every((name) => names.has(name)));
    }
  });

  it('keep what they have where they cannot take a revision, and tell why', async () => {
    await using one = await startManager({ config: config() });
    await using two = await startManager({ config: config(), node: 'two' });
    await until(two, () => two.manager.revision === one.manager.revision, 'the start');
    const kept = two.manager.revision;
    two.refuse('port 80: in use');
    await one.manager.change({ author: 'ann', changes: [service('third')] });
    await until(two, () => two.log.includes('error: port 80: in use'), 'the refusal');
    assert.equal(two.manager.revision, kept);
    await two.manager.report();
    const status = (await one.manager.nodes()).find(({ node }) => node === 'two');
    assert.deepEqual(status?.problems, [{ severity: 'error', path: '', message: 'port 80: in use' }]);
    two.refuse();
    await two.reloader.reload('SIGHUP');
    assert.equal(two.manager.revision, kept + 1);
  });

  it('take alike a certificate of a revision that is over by now, and none that is over when it is written', async (t) => {
    const authority = await TestAuthority.make();
    const begin = Date.now();
    const issued = await authority.issue('a', ['a.example'], { notAfter: new Date(begin + 60_000) });
    const later = await authority.issue('a', ['a.example'], { notAfter: new Date(begin + FOREVER) });
    const write = (pair: Pair | undefined, name = 'a'): WantedChange[] => [
      { collection: 'certificates', name, value: pair && { ...pair } },
    ];
    const over = `the certificate is over since ${new Date(Math.floor((begin + 60_000) / 1000) * 1000).toISOString()}`;
    const warning = ['warning', 'certificates.a.cert', over];
    const told = (outcome: ChangeOutcome) =>
      ('problems' in outcome ? outcome.problems : 'warnings' in outcome ? outcome.warnings : []).map(
        ({ severity, path, message }) => [severity, path, message],
      );
    await using one = await startManager({ config: config(), node: 'one' });
    const first = await one.manager.change({ author: 'ann', changes: write(issued) });
    assert.ok(first.kind === 'applied');
    await one.manager.change({ author: 'ann', changes: write(later) });
    t.mock.timers.enable({ apis: ['Date'], now: begin + 120_000 });
    // It has never seen the first certificate.
    await using two = await startManager({ config: config(), node: 'two' });
    for (const at of [two, one]) {
      const previewed = await at.manager.preview({ from: first.revision, to: at.manager.revision });
      assert.equal(previewed.kind, 'preview');
      const written = await at.manager.change({ author: 'ann', changes: write(issued, 'b') });
      assert.deepEqual([written.kind, told(written)], ['refused', [['error', 'certificates.b.cert', over]]]);
    }
    const restored = await one.manager.rollback(first.revision, { author: 'ann' });
    assert.deepEqual([restored.kind, told(restored)], ['applied', [warning]]);
    await one.manager.change({ author: 'ann', changes: [service('after-it')] });
    await until(two, () => two.manager.get('services', 'after-it') !== undefined, 'what comes after it');
    const renamed = await two.manager.change({
      author: 'ann',
      changes: [{ collection: 'certificates', name: 'a', value: { ...issued, hosts: ['a.example'] } }],
    });
    assert.deepEqual([renamed.kind, told(renamed)], ['applied', [warning]]);
    await one.manager.change({ author: 'ann', changes: write(undefined) });
    await until(two, () => two.manager.get('certificates', 'a') === undefined, 'its end');
  });

  it('go on while it is down, refuse changes, and catch up when it is there again', async () => {
    const proxy = await CutProxy.start(postgres.url);
    try {
      await using one = await startManager({ config: config(), node: 'one' });
      await using two = await startManager({ config: config(proxy.url, 100), node: 'two' });
      const kept = two.manager.revision;
      proxy.cut();
      const outcome = await two.manager.change({ author: 'ann', changes: [service('lost')] });
      assert.equal(outcome.kind, 'unavailable');
      assert.equal(two.manager.revision, kept);
      await until(two, () => two.source.storeDown !== undefined, 'the store to be missed');
      assert.equal((await two.manager.nodes()).length, 1);
      await writeFile(
        two.file,
        `${config(proxy.url, 100)}services: { own: { url: 'http://127.0.0.1:2' } }\n`,
      );
      assert.equal((await two.reloader.reload('file change')).kind, 'applied');
      await one.manager.change({ author: 'ann', changes: [service('meanwhile')] });
      proxy.mend();
      await until(two, () => two.manager.get('services', 'meanwhile') !== undefined, 'what was missed');
      assert.ok(two.log.includes('info: the store can be reached again'));
    } finally {
      proxy.close();
    }
  });

  it('start from the snapshot without it, and say so', async () => {
    const proxy = await CutProxy.start(postgres.url);
    const directory = await mkdtemp(join(tmpdir(), 'portcullis-nodes-'));
    const file = join(directory, 'portcullis-snapshot.json');
    try {
      {
        await using at = await startManager({ config: config(proxy.url), directory });
        const changed = [service('secret', { sticky: STICKY })];
        const outcome = await at.manager.change({ author: 'ann', changes: changed });
        assert.equal(outcome.kind, 'applied');
      }
      assert.deepEqual(secretsIn(readFileSync(file), { TOKEN, KEY }), []);
      proxy.cut();
      {
        await using again = await startManager({ config: config(proxy.url, 100), directory });
        const { revision } = again.manager;
        assert.ok(
          again.log.includes(
            `warn: serving revision ${revision} from the snapshot of the store, which cannot be reached`,
          ),
        );
        assert.deepEqual(again.manager.get('services', 'secret')?.value, {
          url: 'http://127.0.0.1:1',
          sticky: STICKY,
        });
        const [own] = await again.manager.nodes();
        assert.equal(own?.fromSnapshot, true);
        proxy.mend();
        await until(again, () => again.source.storeDown === undefined, 'the store');
        assert.equal((await again.manager.nodes())[0]?.fromSnapshot, false);
      }
      await writeFile(file, '{"version": 1}');
      proxy.cut();
      await assert.rejects(
        startManager({ config: config(proxy.url), directory }),
        /the snapshot .* is damaged/,
      );
    } finally {
      proxy.close();
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('do not start where it is down and there is no snapshot', async () => {
    const proxy = await CutProxy.start(postgres.url);
    proxy.cut();
    try {
      await assert.rejects(
        startManager({ config: config(proxy.url) }),
        /store: the store cannot be reached, and there is no snapshot of it: /,
      );
    } finally {
      proxy.close();
    }
  });

  it('keep no secret without a key', async () => {
    await using at = await startManager({
      config: `store: { postgres: { url: '${postgres.url}', schema: ${postgres.schema}_keyless } }\n`,
    });
    try {
      const secret = service('a', { sticky: STICKY });
      assert.deepEqual(await at.manager.change({ author: 'ann', changes: [secret] }), {
        kind: 'refused',
        problems: [
          {
            severity: 'error',
            path: 'store.key',
            message: 'store.key is not set: services/a has a secret that must be encrypted',
          },
        ],
      });
      assert.equal(at.manager.get('services', 'a'), undefined);
      assert.equal((await at.manager.change({ author: 'ann', changes: [service('a')] })).kind, 'applied');
      const text = await readFile(join(at.directory, 'portcullis-snapshot.json'), 'utf8').catch(() => '');
      assert.ok(!text.includes(TOKEN));
    } finally {
      await postgres.query(`drop schema if exists ${postgres.schema}_keyless cascade`);
    }
  });
});
