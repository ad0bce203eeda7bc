import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { systemTimers } from '../../lib/timers.ts';
import { ApiServer } from './api-server.support.ts';
import { DnsServer } from './dns-server.support.ts';
import { makeSource } from './make.ts';
import { RecordingObserver } from './recording-observer.support.ts';
import { MemoryStorage } from './registry/memory-storage.support.ts';
import { Registry } from './registry/registry.ts';
import { discoverySchema } from './schema.ts';

/** A source as the gateway makes it, on real time. */
function start(
  t: TestContext,
  discovery: object,
  prepare?: (registry: Registry, directory: string) => Promise<unknown> | void,
) {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-source-'));
  const registry = new Registry([], {
    timers: systemTimers,
    storage: new MemoryStorage(),
    saveFailed: assert.fail,
  });
  const observer = new RecordingObserver();
  const context = {
    timers: systemTimers,
    random: Math.random,
    registry,
    directory,
    surroundings: { env: {} },
  };
  const source = makeSource(discoverySchema.parse(discovery), 'orders', observer, context);
  t.after(async () => {
    source.close();
    await registry.close();
    rmSync(directory, { recursive: true, force: true });
  });
  void Promise.resolve(prepare?.(registry, directory)).then(() => source.start());
  return observer;
}

async function api(t: TestContext): Promise<ApiServer> {
  const server = await ApiServer.start();
  t.after(() => server.close());
  return server;
}

suite('the source that `discovery` names', { timeout: 20_000 }, () => {
  test('dns', async (t) => {
    const server = await DnsServer.start();
    t.after(() => server.close());
    server.zone.set('A orders.internal', [{ ttl: 5, data: '10.0.0.1' }]);
    const observer = start(t, { dns: { name: 'orders.internal', port: 81, servers: [server.address] } });
    assert.deepEqual(await observer.urls(), ['http://10.0.0.1:81']);
  });

  test('file, relative to the configuration', async (t) => {
    const observer = start(t, { file: { path: './targets.json' } }, (_, directory) =>
      writeFileSync(join(directory, 'targets.json'), '[{"url":"http://a:1"}]'),
    );
    assert.deepEqual(await observer.urls(), ['http://a:1']);
  });

  test('registry, under the name of the service', async (t) => {
    const observer = start(t, { registry: {} }, (registry) =>
      registry.register({ service: 'orders', url: 'http://a:1' }),
    );
    assert.deepEqual(await observer.urls(), ['http://a:1']);
  });

  test('consul', async (t) => {
    const consul = await api(t);
    const observer = start(t, { consul: { address: consul.url, service: 'orders', scheme: 'https' } });
    (await consul.next()).json([{ Node: { Address: '10.0.0.1' }, Service: { Port: 81 } }]);
    assert.deepEqual(await observer.urls(), ['https://10.0.0.1:81']);
  });

  test('kubernetes', async (t) => {
    const kubernetes = await api(t);
    const settings = {
      apiServer: kubernetes.url,
      token: 't-1',
      service: 'orders',
      namespace: 'shop',
      port: 'http',
    };
    const observer = start(t, { kubernetes: settings });
    const request = await kubernetes.next();
    assert.equal(request.headers.authorization, 'Bearer t-1');
    request.json({ metadata: { resourceVersion: '1' }, items: [] });
    assert.deepEqual(await observer.list(), []);
  });
});
