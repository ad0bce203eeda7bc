import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Received, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const FILE = { services: { orders: { url: 'http://127.0.0.1:3000' } } };
const route = (service: string) => ({ match: { paths: ['/hello'] }, service });

describe('A configuration file that is tried', () => {
  const configuration = new FakeConfiguration(FILE);
  let api: TestApi;
  before(async () => {
    api = await startApi(configuration);
    const changes = [{ collection: 'routes', name: 'hello', value: route('orders') }] as const;
    assert.equal((await configuration.change({ author: 'ann', changes })).kind, 'applied');
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    assert.deepEqual(api.logged, []);
  });

  const send = (what: 'check' | 'outcomes', body: unknown, type = 'application/json'): Promise<Received> =>
    api.send({ method: 'POST', path: `/v1/file/${what}`, headers: { 'content-type': type }, body });

  it('is taken with what the store has, and has listeners and the like, too', async () => {
    const file = { ...FILE, listeners: { http: { port: 8080 } } };
    const { status, body } = await send('check', file);
    assert.deepEqual([status, body], [200, { ok: true, errors: [], warnings: [] }]);
    assert.equal(configuration.revision, 1);
  });

  it('has each error with a pointer into what was sent, or with its place in the store', async () => {
    const yaml = 'services: { shop: { url: "http://127.0.0.1:3000", tries: 3 } }';
    const { status, body } = await send('check', yaml, 'application/yaml');
    assert.equal(status, 200);
    const { ok, errors } = body as { ok: boolean; errors: { path: string; pointer?: string }[] };
    assert.deepEqual(
      [ok, ...errors.map(({ path, pointer }) => [path, pointer])],
      [
        false,
        ['services.shop.tries', '/services/shop/tries'],
        ['routes.hello.service', '/routes/hello/service'],
      ],
    );
  });

  it('warns of what the store has besides', async () => {
    const { body } = await send('check', { ...FILE, routes: { hello: route('orders') } });
    assert.deepEqual(body, {
      ok: true,
      errors: [],
      warnings: [
        {
          path: 'routes.hello',
          pointer: '/routes/hello',
          message: 'the file has one of this name: that of the store is left out',
        },
      ],
    });
  });

  it('changes the outcome of requests for what is stored', async () => {
    const policies = [{ basic: {} }];
    const { status, body } = await send('outcomes', { ...FILE, policies });
    assert.equal(status, 200);
    const { changes } = body as { changes: { kind: string; before: { route: string } }[] };
    assert.deepEqual(
      changes.map(({ kind, before: { route: of } }) => [kind, of]),
      [['newly-denied', 'hello']],
    );
  });

  it('has no outcomes where it is wrong', async () => {
    const { status, body } = await send('outcomes', {});
    const { code, errors } = body as { code: string; errors: { path: string }[] };
    assert.deepEqual(
      [status, code, errors.map(({ path }) => path)],
      [422, 'configuration_refused', ['routes.hello.service']],
    );
  });
});
