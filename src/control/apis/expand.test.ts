import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Workspace } from '../../../test/support/cli.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { LoadCache } from '../config/load-cache.ts';

const AROUND = `
organizations: { acme: {}, plain: { pathPrefix: / } }
services: { s: { url: http://127.0.0.1:1 } }
functions: { f: { service: s, functionName: hello, headers: [accept-language] } }
consumers: { alice: { plan: gold } }
plans: { gold: { limits: [10/s] } }
providers: { corp: { kind: oidc, issuer: 'https://corp.example', clientId: gateway, clientSecret: a-secret } }
sessions: { web: { login: [corp] } }
`;

async function load(
  text: string,
  cache?: LoadCache,
  documents: Record<string, string> = {},
): Promise<LoadedConfig> {
  using files = new Workspace({ 'portcullis.yaml': text, ...documents });
  const loaded = await loadConfig(files.path('portcullis.yaml'), { cache });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

/** The policies of the route of an API, by their names and options. */
async function policiesOf(api: string): Promise<Record<string, unknown>> {
  const { dataPlane } = await load(`${AROUND}apis: { a: { service: s, cors: service, ${api} } }\n`);
  const uses = dataPlane.routes['a']?.policies ?? [];
  return Object.fromEntries(uses.map(({ name, options }) => [name, options]));
}

suite('What an API says becomes policies', () => {
  const counted = (key: string, ...limits: object[]) => ({ 'rate-limit': { limits, key, scope: 'route' } });
  const tokens = { provider: 'corp', audience: 'api' };
  for (const [written, policies] of [
    ['paths: [/a]', {}],
    ['protocols: both', {}],
    ['protocols: http', {}],
    ['protocols: https', { 'https-only': {} }],
    ['protocols: { https: { redirect: true } }', { 'https-only': { redirect: true } }],
    ['authentication: public', { public: {} }],
    ['authentication: basic', { basic: {} }],
    ['authentication: { basic: { realm: a } }', { basic: { realm: 'a' } }],
    [
      'authentication: [{ basic: {} }, { api-key: {} }]',
      { auth: { any: [{ basic: {} }, { 'api-key': {} }] } },
    ],
    ['authentication: { oidc: { provider: corp, audience: api } }', { jwt: tokens }],
    ['authentication: { oidc: { session: web } }', { session: { name: 'web' } }],
    [
      'authentication: { oidc: { provider: corp, audience: api, session: web } }',
      { auth: { any: [{ jwt: tokens }, { session: { name: 'web' } }] } },
    ],
    ['limits: { rate: 10/s }', counted('address', { rate: '10/s', name: 'rate' })],
    [
      'authentication: public, limits: { concurrency: 5 }',
      { public: {}, ...counted('address', { concurrency: 5, name: 'concurrency' }) },
    ],
    [
      'authentication: basic, limits: { rate: 10/s, quota: 1000/d }',
      {
        basic: {},
        ...counted(
          'consumer',
          { rate: '10/s', name: 'rate' },
          { rate: '1000/d', name: 'quota', algorithm: 'sliding-window' },
        ),
      },
    ],
    ['limits: { plan: true, body: 1mb, timeout: 5s }', { plan: {}, 'request-size': { max: '1mb' } }],
    ['policies: [{ load-shed: {} }]', { 'load-shed': {} }],
  ] as const)
    test(written, async () => assert.deepEqual(await policiesOf(written), policies));

  for (const [global, written, cors] of [
    ['', '', { enabled: false, methods: ['GET'] }],
    ['', 'cors: true', { origins: ['*'] }],
    ['', "cors: { origins: ['https://a.example.com'] }", { origins: ['https://a.example.com'] }],
    ['', 'cors: service', undefined],
    ["policies: [{ cors: { origins: ['*'] } }]", '', undefined],
    ["policies: [{ cors: { origins: ['*'] } }]", 'cors: false', { enabled: false, methods: ['GET'] }],
  ] as const)
    test(`${written || 'no cors'}, with ${global || 'no policies of every route'}`, async () => {
      const { dataPlane } = await load(
        `${AROUND}${global}\napis: { a: { service: s, methods: [GET], ${written} } }\n`,
      );
      assert.deepEqual(dataPlane.routes['a']?.policies.find(({ name }) => name === 'cors')?.options, cors);
    });
});

suite('Two APIs that take the same requests', () => {
  const tied = (priority: string) =>
    `${AROUND}apis:\n  a: { service: s, paths: ['/p/{id}'] }\n  b: { service: s, paths: ['/p/{name}']${priority} }\n`;

  test('are told apart by a priority, as the error says', async () => {
    const text = tied('');
    const refused = await loadConfig('portcullis.yaml', { text, env: {} });
    assert.ok(!refused.ok && JSON.stringify(refused).includes('Give one of them a priority'));
    const { dataPlane } = await load(tied(', priority: 1'));
    assert.deepEqual(
      ['a', 'b'].map((name) => dataPlane.routes[name]?.priority),
      [0, 1],
    );
  });

  test('may not have one that is out of bounds: the error is at the priority of the API', async () => {
    const refused = await loadConfig('portcullis.yaml', { text: tied(', priority: 1001'), env: {} });
    assert.ok(!refused.ok && JSON.stringify(refused).includes('apis.b.priority'));
  });
});

suite('The route of an API', () => {
  for (const [written, route] of [
    ['service: s', { match: {}, service: 's' }],
    [
      'service: s, organization: acme',
      {
        organization: 'acme',
        match: { paths: ['/acme/*'] },
        service: 's',
        rewrite: { stripPrefix: '/acme' },
      },
    ],
    [
      "service: s, organization: acme, paths: [/, '/b/{c}', /d/*], methods: [PUT], protocols: http",
      {
        organization: 'acme',
        match: {
          paths: ['/acme/', '/acme/b/{c}', '/acme/d/*', '/acme'],
          methods: ['PUT'],
          protocols: ['http'],
        },
        service: 's',
        rewrite: { stripPrefix: '/acme' },
      },
    ],
    [
      'service: s, organization: acme, hosts: [a.example.com], paths: [/b]',
      { organization: 'acme', match: { hosts: ['a.example.com'], paths: ['/b'] }, service: 's' },
    ],
    [
      'service: s, organization: plain, paths: [/b]',
      { organization: 'plain', match: { paths: ['/b'] }, service: 's' },
    ],
    [
      'function: f, organization: acme',
      { organization: 'acme', match: { paths: ['/acme/*'] }, service: 's' },
    ],
    [
      'service: s, enabled: false, limits: { timeout: 5s }',
      { enabled: false, match: {}, service: 's', timeout: 5000 },
    ],
  ] as const)
    test(`of { ${written} }`, async () => {
      const { dataPlane } = await load(`${AROUND}apis: { a: { cors: service, ${written} } }\n`);
      const { policies: _, priority: _priority, ...made } = dataPlane.routes['a'] ?? assert.fail('no route');
      assert.deepEqual(JSON.parse(JSON.stringify(made)), { timeout: 0, ...route });
    });

  test('of a function calls it by its name', async () => {
    const { dataPlane } = await load(`${AROUND}apis: { a: { function: f, cors: service } }\n`);
    assert.deepEqual(dataPlane.routes['a']?.policies, [
      { name: 'function', options: { name: 'hello', headers: ['accept-language'] } },
    ]);
  });
});

test('The limits of an API are shared by the operations of its document', async () => {
  const operation = (name: string) => `{ operationId: ${name}, responses: {} }`;
  const document = `openapi: 3.1.0
info: { title: Pets, version: '1' }
paths: { /pets: { get: ${operation('list')}, post: ${operation('add')} } }
`;
  const api = '{ service: s, openapi: pets.yaml, limits: { rate: 10/s }, validate: { request: false } }';
  const { dataPlane } = await load(`${AROUND}apis: { pets: ${api} }\n`, undefined, { 'pets.yaml': document });
  const scopes = Object.values(dataPlane.routes).flatMap(({ policies }) =>
    policies.filter(({ name }) => name === 'rate-limit').map(({ options }) => options),
  );
  const shared = {
    limits: [{ rate: '10/s', name: 'rate' }],
    key: 'address',
    scope: { name: 'api/pets' },
  };
  assert.deepEqual(scopes, [shared, shared]);
});

suite('With the next load', () => {
  const apis = (more: string) =>
    `apis:\n  a: { service: s, organization: acme }\n  b: { function: f, paths: [/b] }\n  c: { service: t, paths: [/c] }\n${more}`;

  for (const [title, text, kept] of [
    [
      'an API that is added leaves the others as they are',
      AROUND + apis('  d: { service: s, paths: [/d] }\n'),
      ['a', 'b', 'c'],
    ],
    [
      'another path prefix is for the APIs of its organization',
      AROUND.replace('acme: {}', 'acme: { pathPrefix: /x }') + apis(''),
      ['b', 'c'],
    ],
    ['another function is for its APIs', AROUND.replace('hello', 'other') + apis(''), ['a', 'c']],
    [
      'a service that comes is for the APIs that wait for it',
      AROUND.replace('services: {', 'services: { t: { url: http://127.0.0.1:2 },') + apis(''),
      ['a', 'b'],
    ],
  ] as const)
    test(`${title}: all other routes are the same objects`, async () => {
      const cache = new LoadCache();
      const before = await load(AROUND + apis(''), cache);
      const after = await load(text, cache);
      const same = ['a', 'b', 'c'].filter(
        (name) => before.dataPlane.routes[name] === after.dataPlane.routes[name],
      );
      assert.deepEqual(same, kept);
      assert.equal(after.hash, (await load(text)).hash);
    });
});
