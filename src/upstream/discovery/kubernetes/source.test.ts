import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { TestAuthority } from '../../../../test/support/certificates.ts';
import { FakeTimers } from '../../../lib/fake-timers.support.ts';
import { type ApiRequest, ApiServer } from '../api-server.support.ts';
import { RecordingObserver } from '../recording-observer.support.ts';
import { discoverySchema } from '../schema.ts';
import type { Surroundings } from './credentials.ts';
import { endpoint, slice } from './slices.support.ts';
import { kubernetesSource } from './source.ts';

/** A server that is asked without credentials, over plain HTTP, as `kubectl proxy` is. */
async function stage(t: TestContext) {
  const api = await ApiServer.start();
  return { api, ...sourceFor(t, api, { apiServer: api.url }, { env: {} }) };
}

function sourceFor(t: TestContext, api: ApiServer, more: object, surroundings: Surroundings) {
  const { kubernetes } = discoverySchema.parse({
    kubernetes: { service: 'orders', namespace: 'shop', port: 'http', ...more },
  });
  assert.ok(kubernetes);
  const timers = new FakeTimers();
  const observer = new RecordingObserver();
  const source = kubernetesSource(kubernetes, observer, { timers, random: () => 0.5, surroundings });
  t.after(async () => {
    source.close();
    await api.close();
  });
  return {
    timers,
    observer,
    source,
    /** The next request, after the pause before it. */
    async later(pauseMs: number): Promise<ApiRequest> {
      await timers.untilWaiting(pauseMs);
      timers.advance(pauseMs);
      return api.next();
    },
  };
}

const list = (version: number, ...items: object[]) => ({
  kind: 'EndpointSliceList',
  metadata: { resourceVersion: String(version) },
  items,
});

const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const gone = event('ERROR', {
  kind: 'Status',
  status: 'Failure',
  reason: 'Expired',
  code: 410,
  message: 'too old resource version',
});

/** Lists one slice with 10.0.0.1 at version 10, and returns the watch that follows. */
async function watching(staged: Awaited<ReturnType<typeof stage>>): Promise<ApiRequest> {
  const { api, observer, source, later } = staged;
  source.start();
  (await api.next()).json(list(10, slice('s-1', 9, [endpoint('10.0.0.1')])));
  assert.deepEqual(await observer.urls(), ['http://10.0.0.1:8080']);
  return later(0);
}

suite('the EndpointSlices of a Service are', () => {
  test('listed by the Service’s label, and watched from the version of the list', async (t) => {
    const { api, observer, source, later } = await stage(t);
    source.start();
    const first = await api.next();
    assert.equal(first.path, '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices');
    assert.deepEqual(first.query, { labelSelector: 'kubernetes.io/service-name=orders' });
    assert.equal(first.headers.authorization, undefined);
    first.json(list(10, slice('s-1', 9, [endpoint('10.0.0.2')]), slice('s-2', 8, [endpoint('10.0.0.1')])));
    assert.deepEqual(await observer.urls(), ['http://10.0.0.1:8080', 'http://10.0.0.2:8080']);
    const watch = await later(0);
    assert.equal(watch.path, first.path);
    assert.deepEqual(watch.query, {
      ...first.query,
      watch: '1',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '450',
      resourceVersion: '10',
    });
  });

  test('followed as they come, change and go', async (t) => {
    const staged = await stage(t);
    const watch = await watching(staged);
    await watch.write(event('ADDED', slice('s-2', 11, [endpoint('10.0.0.2')])));
    assert.deepEqual(await staged.observer.urls(), ['http://10.0.0.1:8080', 'http://10.0.0.2:8080']);
    const leaving = { conditions: { ready: false, serving: true, terminating: true } };
    await watch.write(event('MODIFIED', slice('s-1', 12, [endpoint('10.0.0.1', leaving)])));
    assert.deepEqual(await staged.observer.list(), [
      { url: 'http://10.0.0.1:8080', weight: 1, draining: true },
      { url: 'http://10.0.0.2:8080', weight: 1 },
    ]);
    await watch.write(event('DELETED', slice('s-1', 13, [endpoint('10.0.0.1')])));
    assert.deepEqual(await staged.observer.urls(), ['http://10.0.0.2:8080']);
  });

  test('one list, where an endpoint is in two of them while it moves', async (t) => {
    const { api, observer, source } = await stage(t);
    source.start();
    const leaving = { conditions: { ready: false, serving: true, terminating: true } };
    (await api.next()).json(
      list(10, slice('s-1', 9, [endpoint('10.0.0.1', leaving)]), slice('s-2', 9, [endpoint('10.0.0.1')])),
    );
    assert.deepEqual(await observer.list(), [{ url: 'http://10.0.0.1:8080', weight: 1 }]);
  });

  test('empty for a Service that is not there, which is no failure', async (t) => {
    const { api, observer, source } = await stage(t);
    source.start();
    (await api.next()).json(list(10));
    assert.deepEqual(await observer.list(), []);
  });
});

suite('a watch', () => {
  test('may come in pieces that end within a line, and within a character', async (t) => {
    const staged = await stage(t);
    const watch = await watching(staged);
    const text = event('MODIFIED', slice('s-1', 11, [endpoint('10.0.0.2', { hostname: 'größe' })]));
    const half = text.indexOf('endpoints') + 4;
    await watch.write(text.slice(0, half));
    assert.deepEqual(staged.observer.left, []);
    await watch.write(text.slice(half));
    assert.deepEqual(await staged.observer.urls(), ['http://10.0.0.2:8080']);
  });

  test('that ends goes on from the last version, be it an event’s or a bookmark’s', async (t) => {
    const staged = await stage(t);
    const first = await watching(staged);
    first.text(event('MODIFIED', slice('s-1', 12, [endpoint('10.0.0.2')])));
    await staged.observer.list();
    const second = await staged.later(1000);
    assert.equal(second.query['resourceVersion'], '12');
    second.text(event('BOOKMARK', { kind: 'EndpointSlice', metadata: { resourceVersion: '40' } }));
    const third = await staged.later(1000);
    assert.equal(third.query['resourceVersion'], '40');
    assert.deepEqual(staged.observer.left, []);
  });

  test('whose connection is cut within a line goes on from the event before it', async (t) => {
    const staged = await stage(t);
    const watch = await watching(staged);
    await watch.write(event('MODIFIED', slice('s-1', 12, [endpoint('10.0.0.2')])));
    assert.deepEqual(await staged.observer.urls(), ['http://10.0.0.2:8080']);
    staged.timers.advance(60_000);
    await watch.write('{"type":"MODIFIED","object":{"meta');
    watch.cut();
    const next = await staged.later(0);
    assert.equal(next.query['resourceVersion'], '12');
    assert.deepEqual(staged.observer.left, []);
  });

  const forgotten: [title: string, tell: (watch: ApiRequest) => void][] = [
    ['the status 410', (watch) => watch.json({ kind: 'Status', code: 410 }, {}, 410)],
    ['an event with the code 410', (watch) => watch.text(gone)],
  ];
  for (const [title, tell] of forgotten) {
    test(`whose version the server has forgotten, told by ${title}: listed anew, without an outage`, async (t) => {
      const staged = await stage(t);
      tell(await watching(staged));
      const next = await staged.later(1000);
      assert.equal(next.query['watch'], undefined);
      next.json(list(90, slice('s-9', 80, [endpoint('10.0.0.9')])));
      assert.deepEqual(await staged.observer.urls(), ['http://10.0.0.9:8080'], 'what is gone is not kept');
      assert.equal((await staged.later(0)).query['resourceVersion'], '90');
    });
  }

  test('that the server keeps beyond its time is given up, and goes on', async (t) => {
    const staged = await stage(t);
    const watch = await watching(staged);
    await watch.write(event('MODIFIED', slice('s-1', 11, [endpoint('10.0.0.2')])));
    await staged.observer.list();
    assert.deepEqual(staged.timers.waiting, [480_000], 'the head is there: the limit of the whole is left');
    staged.timers.advance(480_000);
    await watch.untilClosed();
    assert.equal((await staged.later(0)).query['watch'], '1');
    assert.deepEqual(staged.observer.left, []);
  });
});

suite('Kubernetes fails', () => {
  const table: [title: string, fail: (watch: ApiRequest) => void | Promise<void>, cause: RegExp][] = [
    [
      'with a status',
      (watch) => watch.text('', {}, 500),
      /^the EndpointSlices of shop\/orders: answered 500 Internal Server Error$/,
    ],
    [
      'with an event of an error',
      (watch) => watch.text(event('ERROR', { code: 500, message: 'etcd is away' })),
      /ended the watch: etcd is away$/,
    ],
    ['with a line that is no event', (watch) => watch.text('hello\n'), /not an event of a watch$/],
    [
      'with an event of something else',
      (watch) => watch.text(event('ADDED', { kind: 'Pod', metadata: {} })),
      /not an EndpointSlice$/,
    ],
    [
      'with a bookmark without a version',
      (watch) => watch.text(event('BOOKMARK', { metadata: {} })),
      /a bookmark without a version$/,
    ],
    [
      'with an address that leads elsewhere',
      (watch) => watch.text(event('MODIFIED', slice('s-1', 11, [endpoint('a/b')]))),
      /"http:\/\/a\/b:8080" is not the address/,
    ],
    [
      'by taking the port away',
      (watch) => watch.text(event('MODIFIED', slice('s-1', 11, [endpoint('a')], { ports: [] }))),
      /no EndpointSlice has the port http; there are: none$/,
    ],
    ['with a line without end', flood, /answered with a line that is too long$/],
    ['by breaking off at once', (watch) => watch.cut(), /socket hang up$/],
  ];
  for (const [title, fail, cause] of table) {
    test(`${title}: told once, the targets stay, and the next list ends it`, async (t) => {
      const staged = await stage(t);
      await fail(await watching(staged));
      assert.match(await staged.observer.failure(), cause);
      (await staged.later(750)).text('', {}, 503);
      const again = await staged.later(1500);
      assert.equal(again.query['watch'], undefined);
      again.json(list(20, slice('s-1', 9, [endpoint('10.0.0.1')])));
      assert.deepEqual(await staged.observer.urls(), ['http://10.0.0.1:8080']);
      assert.deepEqual(staged.observer.left, []);
    });
  }

  test('by not answering: a list and the head of a watch are given up after ten seconds', async (t) => {
    const { api, timers, observer, source, later } = await stage(t);
    source.start();
    const first = await api.next();
    timers.advance(10_000);
    assert.match(await observer.failure(), /gave no answer within 10000 ms$/);
    await first.untilClosed();
    (await later(750)).json(list(10));
    await observer.list();
    await later(0);
    timers.advance(10_000);
    assert.match(await observer.failure(), /gave no answer within 10000 ms$/);
  });

  test('with what is no list of EndpointSlices', async (t) => {
    const { api, observer, source } = await stage(t);
    source.start();
    (await api.next()).json({ kind: 'PodList', items: [{}] });
    assert.match(await observer.failure(), /not a list of EndpointSlices$/);
  });

  test('outside of a cluster when no server is configured', async (t) => {
    const api = await ApiServer.start();
    const { observer, source } = sourceFor(t, api, {}, { env: {} });
    source.start();
    assert.match(
      await observer.failure(),
      /runs in no cluster \(KUBERNETES_SERVICE_HOST is not set\): set apiServer$/,
    );
  });
});

suite('within a cluster', () => {
  async function cluster(t: TestContext) {
    const authority = await TestAuthority.make();
    const api = await ApiServer.start(await authority.issue('kubernetes', ['127.0.0.1']));
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-account-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    writeFileSync(join(directory, 'token'), 'token-1\n');
    writeFileSync(join(directory, 'ca.crt'), authority.cert);
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: new URL(api.url).port };
    const staged = sourceFor(t, api, {}, { env, serviceAccountDirectory: directory });
    return { api, directory, ...staged };
  }

  test('the API server is found, trusted by the service account’s authority, and asked with its token', async (t) => {
    const { api, observer, source } = await cluster(t);
    source.start();
    const first = await api.next();
    assert.equal(first.headers.authorization, 'Bearer token-1');
    first.json(list(10));
    assert.deepEqual(await observer.list(), []);
  });

  test('a token that was replaced is used from the next request on, also after the old one was refused', async (t) => {
    const { api, directory, observer, source, later } = await cluster(t);
    source.start();
    (await api.next()).json(list(10, slice('s-1', 9, [endpoint('10.0.0.1')])));
    await observer.list();
    const watch = await later(0);
    writeFileSync(join(directory, 'token'), 'token-2\n');
    watch.json({ kind: 'Status', code: 401 }, {}, 401);
    const told = await observer.failure();
    assert.match(told, /answered 401 Unauthorized$/);
    assert.doesNotMatch(told, /token-/);
    const again = await later(750);
    assert.equal(again.headers.authorization, 'Bearer token-2');
    again.json(list(11, slice('s-1', 9, [endpoint('10.0.0.1')])));
    assert.deepEqual(await observer.urls(), ['http://10.0.0.1:8080']);
  });

  test('a token that cannot be read is a failure that names its file', async (t) => {
    const { directory, observer, source } = await cluster(t);
    rmSync(join(directory, 'token'));
    source.start();
    assert.match(await observer.failure(), /: the token .*\/token does not exist$/);
  });

  test('an API server whose certificate is not trusted is asked nothing', async (t) => {
    const { api, directory, observer, source } = await cluster(t);
    writeFileSync(join(directory, 'ca.crt'), (await TestAuthority.make('Another')).cert);
    source.start();
    assert.match(await observer.failure(), /certificate|self-signed|unable to verify/);
    assert.equal(api.waiting, 0);
  });
});

suite('a source of Kubernetes that is closed', () => {
  test('gives up its watch, tells nothing more and leaves nothing behind', async (t) => {
    const staged = await stage(t);
    const watch = await watching(staged);
    await watch.write(event('BOOKMARK', { metadata: { resourceVersion: '11' } }));
    staged.source.close();
    await watch.untilClosed();
    assert.deepEqual(staged.timers.waiting, []);
    assert.deepEqual(staged.observer.left, []);
  });

  test('while it lists tells nothing more', async (t) => {
    const { api, timers, observer, source } = await stage(t);
    source.start();
    const first = await api.next();
    source.close();
    await first.untilClosed();
    assert.deepEqual(timers.waiting, []);
    assert.deepEqual(observer.left, []);
  });
});

/** Sends until the client leaves. */
async function flood(watch: ApiRequest): Promise<void> {
  const part = 'x'.repeat(1024 * 1024);
  while (!watch.closed) await watch.write(part);
}
