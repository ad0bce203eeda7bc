import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { describeCertificate } from '../../certificates/describe.ts';
import { CERT } from '../../config/load.support.ts';
import { type Received, type Sent, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const ORDERS = { url: 'http://127.0.0.1:3000' };
const MERGE = { 'content-type': 'application/merge-patch+json' };

type Step = readonly [title: string, sent: Sent, status: number, expected: Readonly<Record<string, unknown>>];

/** Each step stands on those before it. */
const STEPS: readonly Step[] = [
  [
    'PUT creates what is not there',
    { method: 'PUT', path: '/v1/services/orders', body: ORDERS },
    201,
    {
      name: 'orders',
      url: 'http://127.0.0.1:3000',
      meta: {
        origin: 'store',
        revision: 1,
        createdAt: '2026-01-01T00:00:01.000Z',
        createdBy: 'local',
        updatedAt: '2026-01-01T00:00:01.000Z',
        updatedBy: 'local',
      },
    },
  ],
  [
    'PUT of the same changes nothing',
    {
      method: 'PUT',
      path: '/v1/services/orders',
      body: { name: 'orders', ...ORDERS, meta: { revision: 9 } },
    },
    200,
    { name: 'orders', 'meta.revision': 1 },
  ],
  [
    'POST creates by the name in the body',
    {
      method: 'POST',
      path: '/v1/routes',
      body: { name: 'orders', match: { paths: ['/orders/*'] }, service: 'orders' },
    },
    201,
    { name: 'orders', 'meta.revision': 2 },
  ],
  [
    'POST of a name that is taken is refused',
    { method: 'POST', path: '/v1/services', body: { name: 'orders', ...ORDERS } },
    409,
    { code: 'entity_exists', title: 'There is a "orders" in services already' },
  ],
  [
    'POST without a name is refused',
    { method: 'POST', path: '/v1/services', body: ORDERS },
    422,
    {
      code: 'configuration_refused',
      errors: [{ path: 'name', pointer: '/name', message: 'is missing: expected a text' }],
    },
  ],
  [
    'another name in the body than in the path is refused',
    { method: 'PUT', path: '/v1/services/orders', body: { name: 'order', ...ORDERS } },
    422,
    {
      errors: [
        {
          path: 'name',
          pointer: '/name',
          message: 'is not the name in the path: leave it out, or write "orders"',
        },
      ],
    },
  ],
  [
    'PATCH changes what it names and takes out what is null',
    {
      method: 'PATCH',
      path: '/v1/routes/orders',
      headers: MERGE,
      body: { match: { paths: null, methods: ['GET'] }, priority: 5 },
    },
    200,
    { match: { methods: ['GET'] }, service: 'orders', priority: 5, 'meta.revision': 3 },
  ],
  [
    'PATCH takes application/json too',
    { method: 'PATCH', path: '/v1/routes/orders', body: { priority: null } },
    200,
    { match: { methods: ['GET'] }, priority: undefined, 'meta.revision': 4 },
  ],
  [
    'PATCH of what is not there does not create it',
    { method: 'PATCH', path: '/v1/routes/lost', body: { priority: 1 } },
    404,
    { code: 'entity_unknown', title: 'There is no "lost" in routes' },
  ],
  [
    'a mistake is told with its place and what was probably meant',
    { method: 'PUT', path: '/v1/services/orders', body: { ...ORDERS, timout: 1 } },
    422,
    {
      code: 'configuration_refused',
      title: 'The configuration would be wrong; nothing has changed',
      errors: [
        {
          path: 'services.orders.timout',
          pointer: '/timout',
          message: 'unknown key "timout"',
          suggestion: 'timeouts',
        },
      ],
    },
  ],
  [
    'what others need is not deleted',
    { method: 'DELETE', path: '/v1/services/orders' },
    422,
    {
      errors: [{ path: 'routes.orders.service', message: 'there is no service "orders"; there are: files' }],
    },
  ],
  [
    'dry-run tells what would change and changes nothing',
    { method: 'PATCH', path: '/v1/routes/orders?dry-run', body: { priority: 7 } },
    200,
    {
      result: 'planned',
      revision: 4,
      changes: [
        {
          collection: 'routes',
          name: 'orders',
          action: 'update',
          before: { match: { methods: ['GET'] }, service: 'orders' },
          after: { match: { methods: ['GET'] }, service: 'orders', priority: 7 },
          differences: ['/priority'],
        },
      ],
      warnings: [],
    },
  ],
  [
    'dry-run of what changes nothing says so',
    { method: 'PUT', path: '/v1/services/orders?dry-run=true', body: ORDERS },
    200,
    { result: 'unchanged', changes: [] },
  ],
  ['after a dry-run all is as it was', { path: '/v1/routes/orders' }, 200, { 'meta.revision': 4 }],
  [
    'what the file has is shown as such',
    { path: '/v1/services/files' },
    200,
    { name: 'files', meta: { origin: 'file' } },
  ],
  [
    'and not changed here',
    { method: 'PUT', path: '/v1/services/files', body: ORDERS },
    409,
    {
      code: 'read_only',
      title: 'services.files is in the configuration file: it is changed there',
    },
  ],
  [
    'a name may have any characters where the configuration lets it',
    { method: 'PUT', path: '/v1/consumers/a%2Fb%20%C3%A9', body: { groups: ['x'] } },
    201,
    { name: 'a/b é', groups: ['x'] },
  ],
  [
    'but no control characters',
    { method: 'PUT', path: '/v1/consumers/a%00b', body: {} },
    422,
    {
      errors: [
        {
          path: 'consumers["a\\u0000b"]',
          pointer: '',
          message: 'has characters that no name may have',
        },
      ],
    },
  ],
  [
    'nor the one that every object has',
    { method: 'PUT', path: '/v1/services/__proto__', body: ORDERS },
    422,
    { errors: [{ path: 'services.__proto__', pointer: '', message: 'this name is not allowed' }] },
  ],
  [
    'nor digits alone, which would be moved to the front',
    { method: 'PUT', path: '/v1/services/123', body: ORDERS },
    422,
    {
      errors: [
        {
          path: 'services.123',
          pointer: '',
          message: 'is not a name: write up to 100 letters, digits, ".", "_" and "-", not digits alone',
        },
      ],
    },
  ],
  ['DELETE takes it out', { method: 'DELETE', path: '/v1/routes/orders' }, 204, {}],
  [
    'and knows it no more',
    { method: 'DELETE', path: '/v1/routes/orders' },
    404,
    { code: 'entity_unknown', title: 'There is no "orders" in routes' },
  ],
  ['a collection that is none', { path: '/v1/router/orders' }, 404, { code: 'not_found' }],
  ['a name that every object has', { path: '/v1/services/constructor' }, 404, { code: 'entity_unknown' }],
  [
    'broken percent-encoding',
    { path: '/v1/services/%ff' },
    400,
    {
      code: 'path_malformed',
      title: 'The percent-encoding of the path is not that of a text in UTF-8',
    },
  ],
  [
    'broken JSON is told with its place',
    { method: 'PUT', path: '/v1/services/a', body: '{"url": }' },
    400,
    { code: 'json_malformed', errors: [{ message: 'expected a value before }', line: 1, column: 9 }] },
  ],
  [
    'a key that is there twice',
    { method: 'PUT', path: '/v1/services/a', body: '{"url": "a",\n "url": "b"}' },
    400,
    { code: 'json_malformed', errors: [{ message: 'the key "url" is there twice', line: 2, column: 2 }] },
  ],
  [
    'a body that is no map',
    { method: 'PUT', path: '/v1/services/a', body: [1] },
    400,
    { code: 'map_expected', title: 'The body is not a map' },
  ],
  [
    'a body of another type',
    { method: 'PUT', path: '/v1/services/a', headers: { 'content-type': 'text/plain' }, body: 'x' },
    415,
    { code: 'media_type_unsupported', title: 'Send application/json' },
  ],
  [
    'a body with a content coding',
    { method: 'PUT', path: '/v1/services/a', headers: { 'content-encoding': 'gzip' }, body: {} },
    415,
    { code: 'encoding_unsupported' },
  ],
  [
    'octets that are no text',
    { method: 'PUT', path: '/v1/services/a', body: Buffer.from([0x22, 0xff, 0x22]) },
    400,
    { code: 'body_malformed', title: 'The body is not a text in UTF-8' },
  ],
  [
    'a body beyond the limit',
    { method: 'PUT', path: '/v1/services/a', body: { url: 'x'.repeat(1024 * 1024) } },
    413,
    { code: 'body_too_large', title: 'A body may have 1048576 bytes' },
  ],
  [
    'a parameter that is not known',
    { path: '/v1/services?limits=5' },
    400,
    {
      code: 'parameter_invalid',
      errors: [{ parameter: 'limits', message: 'unknown key "limits"', suggestion: 'limit' }],
    },
  ],
  [
    'a parameter that is there twice',
    { path: '/v1/services?limit=5&limit=6' },
    400,
    { errors: [{ parameter: 'limit', message: 'is there more than once' }] },
  ],
  [
    'a page of another site may not change anything',
    { method: 'DELETE', path: '/v1/services/orders', headers: { origin: 'https://evil.example' } },
    403,
    { code: 'cross_site_request' },
  ],
];

describe('An entity in the admin API', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi(new FakeConfiguration({ services: { files: { url: 'http://127.0.0.1:1' } } }));
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    assert.deepEqual(api.logged, []);
  });

  for (const [title, sent, status, expected] of STEPS) {
    it(title, async () => {
      const received = await api.send(sent);
      assert.equal(received.status, status, received.text);
      assert.deepEqual(pick(received.body, Object.keys(expected)), expected);
    });
  }
});

/** Values by name; `meta.revision` is one within. */
function pick(body: unknown, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      name.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], body),
    ]),
  );
}

describe('Preconditions of the admin API', () => {
  let api: TestApi;
  before(async () => {
    api = await startApi(new FakeConfiguration({}));
    for (const port of [1, 2, 3]) await put({}, port);
  });
  after(() => api[Symbol.asyncDispose]());

  function put(headers: Record<string, string>, port: number, name = 'a'): Promise<Received> {
    return api.send({
      method: 'PUT',
      path: `/v1/services/${name}`,
      headers,
      body: { url: `http://127.0.0.1:${port}` },
    });
  }

  const MODIFIED = 'Thu, 01 Jan 2026 00:00:03 GMT';

  it('have validators to be held to', async () => {
    const { headers } = await api.send({ path: '/v1/services/a' });
    assert.deepEqual([headers['etag'], headers['last-modified']], ['"3"', MODIFIED]);
  });

  const READS: readonly [title: string, headers: Record<string, string>, status: number][] = [
    ['the version that is known', { 'if-none-match': '"3"' }, 304],
    ['one of several', { 'if-none-match': '"1", W/"3"' }, 304],
    ['any version', { 'if-none-match': '*' }, 304],
    ['an older version', { 'if-none-match': '"2"' }, 200],
    ['no later version', { 'if-modified-since': MODIFIED }, 304],
    ['a version since the one before', { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:02 GMT' }, 200],
    ['the tag before the date', { 'if-none-match': '"2"', 'if-modified-since': MODIFIED }, 200],
    ['a date that is none', { 'if-modified-since': 'yesterday' }, 200],
    ['a tag that is none', { 'if-none-match': '3' }, 400],
    ['the one version', { 'if-match': '"2"' }, 412],
  ];
  for (const [title, headers, status] of READS) {
    it(`GET: ${title} is ${status}`, async () => {
      const received = await api.send({ path: '/v1/services/a', headers });
      assert.equal(received.status, status);
      assert.equal(received.text === '', status === 304);
    });
  }

  const WRITES: readonly [title: string, headers: Record<string, string>, name: string, status: number][] = [
    ['another version', { 'if-match': '"2"' }, 'a', 412],
    ['a weak tag, which tells too little', { 'if-match': 'W/"3"' }, 'a', 412],
    ['only a new one', { 'if-none-match': '*' }, 'a', 412],
    ['changed since', { 'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:02 GMT' }, 'a', 412],
    ['any version of what is not there', { 'if-match': '*' }, 'new', 412],
    ['a tag without quotes', { 'if-match': '3' }, 'a', 400],
    ['the version that is there', { 'if-match': '"3"' }, 'a', 200],
    ['that version, which is there no more', { 'if-match': '"3"' }, 'a', 412],
    ['any version', { 'if-match': '*' }, 'a', 200],
    ['a new one', { 'if-none-match': '*' }, 'b', 201],
  ];
  for (const [at, [title, headers, name, status]] of WRITES.entries()) {
    it(`PUT: ${title} is ${status}`, async () => {
      const received = await put(headers, 100 + at, name);
      assert.equal(received.status, status, received.text);
      if (status === 412) assert.equal((received.body as { code: string }).code, 'precondition_failed');
    });
  }

  const CHANGED = 'It has changed meanwhile: read it again, then change that';
  const ABSENT = 'There is none, so that it has no version that would match';
  const WEAK = 'A weak tag matches no version in If-Match: send the ETag as it was answered';
  const TITLES: readonly [headers: Record<string, string>, name: string, title: string][] = [
    [{ 'if-match': '"1"' }, 'a', CHANGED],
    [{ 'if-match': 'W/"1"' }, 'a', CHANGED],
    [{ 'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:01 GMT' }, 'a', CHANGED],
    [{ 'if-match': '*' }, 'new', ABSENT],
    [{ 'if-match': '"1"' }, 'new', ABSENT],
    [{ 'if-none-match': '*' }, 'a', 'There is one already'],
    [{ 'if-none-match': 'CURRENT' }, 'a', 'It is a version that If-None-Match rules out'],
    [{ 'if-match': 'W/CURRENT' }, 'a', WEAK],
  ];
  for (const [headers, name, title] of TITLES) {
    it(`PUT of ${name} with ${JSON.stringify(headers)} is told: ${title}`, async () => {
      const { etag = '' } = (await api.send({ path: '/v1/services/a' })).headers;
      const sent = Object.entries(headers).map(([field, value]) => [field, value.replace('CURRENT', etag)]);
      const { status, body } = await put(Object.fromEntries(sent), 999, name);
      assert.deepEqual([status, (body as { title: string }).title], [412, title]);
    });
  }

  it('DELETE: another version is 412, that one 204', async () => {
    const path = '/v1/services/a';
    assert.equal((await api.send({ method: 'DELETE', path, headers: { 'if-match': '"3"' } })).status, 412);
    const { headers } = await api.send({ path });
    const etag = headers['etag'] as string;
    assert.equal((await api.send({ method: 'DELETE', path, headers: { 'if-match': etag } })).status, 204);
    assert.equal((await api.send({ method: 'DELETE', path, headers: { 'if-match': etag } })).status, 412);
  });

  for (const [method, body] of [
    ['PUT', { apiKeys: [{ id: 'a', key: '[redacted]' }] }],
    ['PATCH', { apiKeys: [{ id: 'a', key: '[redacted]' }] }],
  ] as const)
    it(`${method}: a secret that is not known is told by its place in the configuration`, async () => {
      const path = '/v1/consumers/bob';
      await api.send({ method: 'PUT', path, body: {} });
      const { status, body: told } = await api.send({ method, path, body });
      const { errors } = told as { errors: { path: string; pointer: string }[] };
      assert.deepEqual(
        [status, errors.map(({ path: at, pointer }) => [at, pointer])],
        [422, [['consumers.bob.apiKeys[0].key', '/apiKeys/0/key']]],
      );
    });

  it('of 20 that patch at once without any, none is lost', async () => {
    const path = '/v1/routes/shared';
    await api.send({ method: 'PUT', path, body: { match: {}, respond: { body: 'ok' } } });
    const names = Array.from({ length: 20 }, (_, index) => `q${index}`);
    const statuses = await Promise.all(
      names.map(async (name) => {
        const body = { match: { query: { [name]: 'x' } } };
        return (await api.send({ method: 'PATCH', path, body })).status;
      }),
    );
    const { match } = (await api.send({ path })).body as { match: { query: Record<string, string> } };
    assert.deepEqual(statuses, Array(20).fill(200));
    assert.deepEqual(Object.keys(match.query).sort(), names.sort());
  });
});

describe('The version of what is shown', () => {
  const tagOf = ({ headers }: Received) => headers['etag'] as string;

  it('tells nothing of the secrets of the file', async () => {
    const tags = [];
    for (const [password, groups] of [
      ['correct-horse', ['a']],
      ['battery-staple', ['a']],
      ['battery-staple', ['b']],
    ] as const) {
      const consumers = { alice: { basic: { password }, groups } };
      await using api = await startApi(new FakeConfiguration({ consumers }));
      tags.push(tagOf(await api.send({ path: '/v1/consumers/alice' })));
    }
    assert.equal(tags[0], tags[1]);
    assert.notEqual(tags[1], tags[2]);
  });

  it('of an API is another one with another status, and has no date', async () => {
    await using api = await startApi(new FakeConfiguration({}));
    const path = '/v1/apis/hello';
    const made = await api.send({ method: 'PUT', path, body: { service: 'hello', paths: ['/hello'] } });
    const pending = await api.send({ path });
    assert.deepEqual([tagOf(made), tagOf(pending)], ['"1.pending"', '"1.pending"']);
    await api.send({ method: 'PUT', path: '/v1/services/hello', body: ORDERS });
    const known: readonly Record<string, string>[] = [
      { 'if-none-match': tagOf(pending) },
      { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:09 GMT' },
    ];
    for (const headers of known) {
      const ready = await api.send({ path, headers });
      assert.deepEqual([ready.status, tagOf(ready)], [200, '"1.ready"']);
      assert.equal(ready.headers['last-modified'], undefined);
    }
  });

  it('of a certificate is another one after a renewal, which keeps nobody from changing the entity', async () => {
    class Renewing extends FakeConfiguration {
      fingerprint = 'a'.repeat(64);
      override certificate() {
        const described = describeCertificate(CERT);
        return described && { ...described, fingerprint: this.fingerprint };
      }
    }
    const configuration = new Renewing({}, { check: false });
    await using api = await startApi(configuration);
    const path = '/v1/certificates/web';
    const put = (headers: Record<string, string>, hosts: readonly string[]) =>
      api.send({ method: 'PUT', path, headers, body: { acme: { email: 'a@example.com' }, hosts } });
    const made = await put({}, ['a.example.com']);
    assert.deepEqual([tagOf(made), made.headers['last-modified']], [`"1.${'a'.repeat(16)}"`, undefined]);
    configuration.fingerprint = '0b'.repeat(32);
    const renewed = await api.send({ path, headers: { 'if-none-match': tagOf(made) } });
    assert.deepEqual([renewed.status, tagOf(renewed)], [200, `"1.${'0b'.repeat(8)}"`]);
    assert.equal((await put({ 'if-match': tagOf(made) }, ['b.example.com'])).status, 200);
    assert.equal((await put({ 'if-match': tagOf(renewed) }, ['c.example.com'])).status, 412);
  });
});
