import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { type Received, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const FILE = { services: { files: { url: 'http://127.0.0.1:1' } } };
const WHOLE = {
  services: { orders: { url: 'http://127.0.0.1:3000' } },
  routes: {
    orders: { match: { paths: ['/orders/*'] }, service: 'orders' },
    hello: { match: { paths: ['/hello'] }, respond: { body: 'hello' } },
  },
  consumers: { alice: { apiKeys: [{ id: 'laptop', key: 'the-key-of-alice-0123456789' }] } },
};

describe('A whole configuration', () => {
  const configuration = new FakeConfiguration(FILE);
  let api: TestApi;
  before(async () => {
    api = await startApi(configuration);
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    assert.deepEqual(api.logged, []);
  });

  const apply = (body: unknown, query = '', type = 'application/json'): Promise<Received> =>
    api.send({ method: 'POST', path: `/v1/apply${query}`, headers: { 'content-type': type }, body });
  const changed = ({ body }: Received) => {
    const { result, revision, changes } = body as {
      result: string;
      revision: number;
      changes: { action: string; collection: string; name: string }[];
    };
    return [
      result,
      revision,
      ...changes.map(({ action, collection, name }) => `${action} ${collection}/${name}`),
    ];
  };

  it('is planned without anything changing', async () => {
    const planned = await apply(WHOLE, '?dry-run');
    assert.deepEqual(changed(planned), [
      'planned',
      0,
      'create services/orders',
      'create routes/orders',
      'create routes/hello',
      'create consumers/alice',
    ]);
    assert.equal(planned.text.includes('the-key-of-alice'), false);
    assert.equal(configuration.revision, 0);
  });

  it('is applied in one revision', async () => {
    assert.deepEqual(changed(await apply(WHOLE, '?message=first')).slice(0, 2), ['applied', 1]);
    assert.equal(configuration.revision, 1);
  });

  it('is unchanged when it is applied again', async () =>
    assert.deepEqual(changed(await apply(WHOLE)), ['unchanged', 1]));

  it('may have what the file has, as the file has it', async () =>
    assert.deepEqual(changed(await apply({ ...WHOLE, ...FILE })), ['unchanged', 1]));

  it('may not have it otherwise', async () => {
    const refused = await apply({ services: { files: { url: 'http://127.0.0.1:2' } } });
    assert.equal(refused.status, 409);
    assert.equal((refused.body as { code: string }).code, 'read_only');
  });

  it('is read as YAML too', async () => {
    const yaml = 'routes:\n  hello:\n    match: { paths: [/hello] }\n    respond: { body: hallo }\n';
    assert.deepEqual(changed(await apply(yaml, '', 'application/yaml')), [
      'applied',
      2,
      'update routes/hello',
    ]);
  });

  it('is exported without secrets, and applied back as it is', async () => {
    const exported = await api.send({ path: '/v1/export' });
    const { consumers, services } = exported.body as typeof WHOLE;
    assert.deepEqual(consumers.alice.apiKeys, [{ id: 'laptop', key: '[redacted]' }]);
    assert.deepEqual(Object.keys(services), ['orders']);
    assert.deepEqual(changed(await apply(exported.body)), ['unchanged', 2]);
    assert.deepEqual(configuration.get('consumers', 'alice')?.value, WHOLE.consumers.alice);
  });

  it('is exported as YAML where that is asked for', async () => {
    const json = (await api.send({ path: '/v1/export?origin=all' })).body;
    for (const sent of [
      { path: '/v1/export?origin=all&format=yaml' },
      { path: '/v1/export?origin=all', headers: { accept: 'application/yaml' } },
    ]) {
      const { headers, text } = await api.send(sent);
      assert.equal(headers['content-type'], 'application/yaml');
      assert.deepEqual(parse(text), json);
    }
  });

  it('is refused whole for one mistake, which is told with its place', async () => {
    const refused = await apply({
      services: { other: { url: 'http://127.0.0.1:4' } },
      routes: { hello: { match: { paths: ['/hello'] }, respont: {} } },
    });
    assert.equal(refused.status, 422);
    assert.deepEqual((refused.body as { errors: unknown[] }).errors, [
      {
        path: 'routes.hello.respont',
        pointer: '/routes/hello/respont',
        message: 'unknown key "respont"',
        suggestion: 'respond',
      },
    ]);
    assert.equal(configuration.get('services', 'other'), undefined);
  });

  const REFUSED: readonly [title: string, body: unknown, error: Readonly<Record<string, unknown>>][] = [
    [
      'a part that is the process’s own',
      { listeners: {} },
      {
        path: 'listeners',
        pointer: '/listeners',
        message: 'is of the process and stands in its file: leave it out here',
      },
    ],
    [
      'a misspelt collection',
      { route: {} },
      {
        path: 'route',
        pointer: '/route',
        message:
          'is no collection; there are organizations, certificates, lists, providers, sessions, plans, consumers, services, functions, routes, apis, policies',
        suggestion: 'routes',
      },
    ],
    [
      'a list of routes',
      { routes: [] },
      { path: 'routes', pointer: '/routes', message: 'expected a map of entities by name' },
    ],
    [
      'a route that is no map',
      { routes: { 'a/b': 1 } },
      { path: 'routes["a/b"]', pointer: '/routes/a~1b', message: 'expected a map' },
    ],
    [
      'a secret that is not known',
      { consumers: { bob: { basic: { password: '[redacted]' } } } },
      {
        path: 'consumers.bob.basic.password',
        pointer: '/consumers/bob/basic/password',
        message: 'stands for a secret that is kept here already, and there is none: write the secret itself',
      },
    ],
  ];
  for (const [title, body, error] of REFUSED) {
    it(`is refused with ${title}`, async () => {
      const refused = await apply(body);
      assert.equal(refused.status, 422, refused.text);
      assert.deepEqual((refused.body as { errors: unknown[] }).errors, [error]);
    });
  }

  it('prunes in the collections that are sent, and in no other', async () => {
    const routes = { hello: { match: { paths: ['/hello'] }, respond: { body: 'hallo' } } };
    assert.deepEqual(changed(await apply({ routes }, '?prune=true')), ['applied', 3, 'delete routes/orders']);
    assert.notEqual(configuration.get('services', 'orders'), undefined);
  });

  it('takes a list of policies in its order', async () => {
    const policies = [
      { headers: { response: { set: { 'x-a': '1' } } } },
      { cors: { origins: ['https://a.example'] } },
    ];
    assert.deepEqual(changed(await apply({ policies })), [
      'applied',
      4,
      'create policies/p01-headers',
      'create policies/p02-cors',
    ]);
  });

  it('lists its revisions, the newest first', async () => {
    const first = (await api.send({ path: '/v1/revisions?limit=3' })).body as {
      items: { number: number }[];
      next: string;
    };
    assert.deepEqual(
      first.items.map(({ number }) => number),
      [4, 3, 2],
    );
    assert.deepEqual((await api.send({ path: `/v1/revisions?limit=3&cursor=${first.next}` })).body, {
      items: [{ number: 1, at: '2026-01-01T00:00:02.000Z', author: 'local', message: 'first' }],
      next: null,
    });
  });

  it('tells what one of them changed', async () => {
    const { body } = await api.send({ path: '/v1/revisions/2' });
    assert.deepEqual(body, {
      number: 2,
      at: '2026-01-01T00:00:03.000Z',
      author: 'local',
      changes: [
        {
          collection: 'routes',
          name: 'hello',
          action: 'update',
          before: { match: { paths: ['/hello'] }, respond: { body: 'hello' } },
          after: { match: { paths: ['/hello'] }, respond: { body: 'hallo' } },
          differences: ['/respond/body'],
        },
      ],
    });
  });

  it('tells that a secret differs, and not the secret', async () => {
    await api.send({
      method: 'PATCH',
      path: '/v1/consumers/alice',
      body: { apiKeys: [{ id: 'laptop', key: 'another-key-of-alice-0123456' }] },
    });
    const { text, body } = await api.send({ path: '/v1/diff?from=4' });
    const { to, changes } = body as { to: number; changes: { differences: string[] }[] };
    assert.deepEqual([to, changes[0]?.differences], [5, ['/apiKeys/0/key']]);
    assert.equal(text.includes('key-of-alice'), false);
  });

  it('goes back to an older revision by a new one', async () => {
    const back = await api.send({ method: 'POST', path: '/v1/revisions/1/rollback' });
    assert.deepEqual(changed(back).slice(0, 2), ['applied', 6]);
    assert.deepEqual((await api.send({ path: '/v1/diff?from=1&to=6' })).body, {
      from: 1,
      to: 6,
      changes: [],
    });
    const { body } = await api.send({ path: '/v1/revisions/6' });
    assert.equal((body as { message: string }).message, 'rollback to revision 1');
  });

  const UNKNOWN: readonly [method: string, path: string, status: number, code: string][] = [
    ['GET', '/v1/revisions/99', 404, 'revision_unknown'],
    ['GET', '/v1/revisions/first', 404, 'not_found'],
    ['GET', '/v1/diff?from=1&to=99', 404, 'revision_unknown'],
    ['GET', '/v1/diff?from=-1', 400, 'parameter_invalid'],
    ['GET', '/v1/diff', 400, 'parameter_invalid'],
    ['POST', '/v1/revisions/99/rollback', 404, 'revision_unknown'],
    ['GET', '/v1/revisions?cursor=x', 400, 'cursor_invalid'],
  ];
  for (const [method, path, status, code] of UNKNOWN) {
    it(`answers ${method} ${path} with ${status} ${code}`, async () => {
      const received = await api.send({ method, path });
      assert.deepEqual([received.status, (received.body as { code: string }).code], [status, code]);
    });
  }

  it('that the store cannot take is 503, to be tried again', async () => {
    configuration.outage = 'PostgreSQL does not answer';
    const received = await apply({ routes: {} }, '?prune');
    configuration.outage = undefined;
    assert.deepEqual([received.status, received.headers['retry-after']], [503, '5']);
    assert.deepEqual(received.body, {
      type: 'about:blank',
      title: 'PostgreSQL does not answer',
      status: 503,
      code: 'store_unavailable',
    });
  });
});

const CORS = { cors: { origins: ['https://a.example'] } };

describe('What is applied for one organization', () => {
  const configuration = new FakeConfiguration();
  let api: TestApi;
  const service = (organization: string | undefined, port: number) => ({
    url: `http://127.0.0.1:${port}`,
    ...(organization !== undefined && { organization }),
  });
  before(async () => {
    api = await startApi(configuration);
    const body = {
      organizations: { acme: {}, globex: {} },
      services: {
        a: service('acme', 1),
        a2: service('acme', 2),
        g: service('globex', 3),
        shared: service(undefined, 4),
      },
      policies: [CORS],
    };
    assert.equal((await api.send({ method: 'POST', path: '/v1/apply', body })).status, 200);
  });
  after(() => api[Symbol.asyncDispose]());
  const apply = (body: unknown, query: string) =>
    api.send({ method: 'POST', path: `/v1/apply?${query}`, body });
  const done = ({ body }: Received) =>
    (body as { changes: { action: string; collection: string; name: string }[] }).changes.map(
      ({ action, collection, name }) => `${action} ${collection}/${name}`,
    );

  it('prunes what belongs to it and was not sent, and nothing of others', async () => {
    const body = { services: { a: service('acme', 9) }, policies: {} };
    const ofAll = { ...body, organizations: {} };
    const query = 'prune&organization=acme&dry-run';
    assert.deepEqual(done(await apply(ofAll, query)), ['update services/a', 'delete services/a2']);
    assert.deepEqual(done(await apply(body, 'prune&dry-run')), [
      'update services/a',
      'delete services/a2',
      'delete services/g',
      'delete services/shared',
      'delete policies/p01-cors',
    ]);
  });

  it('is what it has already where it is of others, as an export may have it', async () => {
    const services = { a: service('acme', 9), g: service('globex', 3), shared: service(undefined, 4) };
    assert.deepEqual(done(await apply({ services }, 'organization=acme&dry-run')), ['update services/a']);
  });

  it('is refused where it changes or takes what is not its own, all of it with the reason', async () => {
    const body = {
      services: {
        a: service('globex', 1),
        g: service('acme', 3),
        shared: service(undefined, 5),
        made: service(undefined, 6),
      },
      policies: { mine: CORS },
    };
    const refused = await apply(body, 'organization=acme');
    assert.equal(refused.status, 422, refused.text);
    const only = 'and only what belongs to acme is to be changed';
    assert.deepEqual(
      (refused.body as { errors: { path: string; message: string }[] }).errors.map(
        ({ path, message }) => `${path}: ${message}`,
      ),
      [
        `services.a: belongs to globex, ${only}`,
        `services.g: belongs to globex, ${only}`,
        `services.shared: belongs to no organization, ${only}`,
        `services.made: belongs to no organization, ${only}`,
        `policies.mine: belongs to no organization, ${only}`,
      ],
    );
  });

  it('is compared as it would be applied', async () => {
    const body = { services: { g: service('globex', 7) } };
    const { status } = await api.send({ method: 'POST', path: '/v1/outcomes?organization=acme', body });
    assert.equal(status, 422);
  });
});

describe('A list of policies', () => {
  it('takes the place of the list before, whatever has moved in it, and of nothing that has a name', async () => {
    const configuration = new FakeConfiguration();
    await using api = await startApi(configuration);
    const apply = async (policies: unknown) => {
      const answer = await api.send({ method: 'POST', path: '/v1/apply', body: { policies } });
      assert.equal(answer.status, 200, answer.text);
      return configuration.list('policies').map(({ name, value }) => [name, Object.keys(value)[0]]);
    };
    const [size, limit] = [
      { 'request-size': { max: '1kb' } },
      { 'rate-limit': { limits: [{ rate: '9/s' }] } },
    ];
    await apply({ own: CORS });
    await apply([size, limit]);
    assert.deepEqual(await apply([limit, size]), [
      ['own', 'cors'],
      ['p01-rate-limit', 'rate-limit'],
      ['p02-request-size', 'request-size'],
    ]);
    assert.deepEqual(await apply([limit]), [
      ['own', 'cors'],
      ['p01-rate-limit', 'rate-limit'],
    ]);
    assert.deepEqual(await apply({ more: size }), [
      ['more', 'request-size'],
      ['own', 'cors'],
      ['p01-rate-limit', 'rate-limit'],
    ]);
    assert.deepEqual(await apply([]), [
      ['more', 'request-size'],
      ['own', 'cors'],
    ]);
  });
});
