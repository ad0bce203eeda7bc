import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueAt } from '../../config/place.ts';
import { type Imported, imported, refusal } from '../import.support.ts';

type Json = Readonly<Record<string, unknown>>;

const answer = { responses: { 200: { description: 'ok' } } };
const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Pet Shop', version: '1' },
  servers: [{ url: 'https://pets.internal:8443/v1' }],
  paths: {
    '/pets': { get: { operationId: 'listPets', ...answer }, post: { operationId: 'addPet', ...answer } },
    '/pets/{pet-id}': { get: { ...answer } },
  },
};

const openapi = (more: Json, routes = false): Promise<Imported> =>
  imported(JSON.stringify({ ...DOCUMENT, ...more }), { routes, file: 'pets.json' });

const schemes = (securitySchemes: Json) => ({ components: { securitySchemes } });
const BASIC = { type: 'http', scheme: 'basic' };
const KEY = { type: 'apiKey', in: 'header', name: 'x-key' };
const OPENID = {
  type: 'openIdConnect',
  openIdConnectUrl: 'https://id.example.com/realms/a/.well-known/openid-configuration',
};

describe('An OpenAPI document becomes', () => {
  it('an API that refers to it, and a service where its server is', async () => {
    const made = await openapi({});
    assert.deepEqual(made.written, {
      services: { 'pet-shop': { url: 'https://pets.internal:8443', host: 'target' } },
      apis: { 'pet-shop': { openapi: 'pets.json', service: 'pet-shop' } },
    });
    assert.deepEqual(
      Object.values(made.config.dataPlane.routes).map(({ match }) => [match.methods?.[0], match.paths?.[0]]),
      [
        ['GET', '/v1/pets'],
        ['POST', '/v1/pets'],
        ['GET', '/v1/pets/{pet_id}'],
      ],
    );
    assert.deepEqual(made.report, []);
  });

  it('plain routes where these are asked for', async () => {
    const made = await openapi({}, true);
    assert.deepEqual(made.written['routes'], {
      'pet-shop.listPets': { match: { paths: ['/v1/pets'], methods: ['GET'] }, service: 'pet-shop' },
      'pet-shop.addPet': { match: { paths: ['/v1/pets'], methods: ['POST'] }, service: 'pet-shop' },
      'pet-shop.get-pets-pet-id': {
        match: { paths: ['/v1/pets/{pet_id}'], methods: ['GET'] },
        service: 'pet-shop',
      },
    });
  });

  it('a service for each server that paths and operations have for themselves, and plain routes to them', async () => {
    const get = { get: { ...answer } };
    const made = await openapi({
      paths: {
        '/pets': get,
        '/admin': { servers: [{ url: 'http://admin.internal/v2' }], ...get, post: { ...answer } },
        '/keys': {
          servers: [{ url: 'http://admin.internal/v2' }],
          get: { servers: [{ url: 'http://keys.internal:81' }], ...answer },
        },
      },
    });
    const { routes, services } = made.written;
    assert.deepEqual(
      Object.values(routes ?? {}).map((route) => [
        valueAt(route, ['match', 'methods', 0]),
        valueAt(route, ['match', 'paths', 0]),
        valueAt(services, [String(valueAt(route, ['service'])), 'url']),
      ]),
      [
        ['GET', '/v1/pets', 'https://pets.internal:8443'],
        ['GET', '/v2/admin', 'http://admin.internal:80'],
        ['POST', '/v2/admin', 'http://admin.internal:80'],
        ['GET', '/keys', 'http://keys.internal:81'],
      ],
    );
    assert.equal(Object.keys(services ?? {}).length, 3);
    assert.deepEqual(
      made.report.map((line) => line.replace(/^lost \d+:\d+ /, '')),
      [
        'paths["/admin"].servers: operations have servers of their own, so plain routes are written: requests are not held against the document',
      ],
    );
  });

  it('a service that leads nowhere where the document does not say where it runs', async () => {
    const made = await openapi({ servers: [{ url: '/v2' }] });
    assert.deepEqual(made.written['services'], { 'pet-shop': { url: 'http://service.invalid:80' } });
    assert.match(
      made.report.join(),
      /^lost 1:\d+ servers\[0\]\.url: the document does not say where the service runs/,
    );
  });

  it('a service at the address that defaults of variables make', async () => {
    const made = await openapi({
      servers: [{ url: 'http://{host}:81/', variables: { host: { default: 'a.test' } } }],
    });
    assert.deepEqual(made.written['services'], { 'pet-shop': { url: 'http://a.test:81', host: 'target' } });
  });
});

describe('A security scheme of OpenAPI becomes', () => {
  const table: readonly (readonly [
    title: string,
    schemes: Json,
    security: readonly Json[],
    policies: readonly Json[],
  ])[] = [
    ['basic', { a: BASIC }, [{ a: [] }], [{ basic: {} }]],
    ['api-key', { a: KEY }, [{ a: [] }], [{ 'api-key': { header: 'x-key' } }]],
    [
      'jwt of the issuer, with its scopes',
      { a: OPENID },
      [{ a: ['read'] }],
      [{ jwt: { provider: 'pet-shop-a', audience: 'pet-shop' } }, { authorize: { scopes: ['read'] } }],
    ],
    [
      'one of several',
      { a: BASIC, b: KEY },
      [{ a: [] }, { b: [] }],
      [{ auth: { any: [{ basic: {} }, { 'api-key': { header: 'x-key' } }] } }],
    ],
    [
      'all of several',
      { a: BASIC, b: KEY },
      [{ a: [], b: [] }],
      [{ basic: {} }, { 'api-key': { header: 'x-key' } }],
    ],
    ['an optional one', { a: BASIC }, [{ a: [] }, {}], [{ auth: { any: [{ basic: {} }], optional: true } }]],
    [
      'a closed API where the issuer is not known',
      { a: { type: 'http', scheme: 'bearer' } },
      [{ a: [] }],
      [{ authorize: { default: 'deny' } }],
    ],
    ['a closed API where there is no such scheme', {}, [{ a: [] }], [{ authorize: { default: 'deny' } }]],
    [
      'what is left where another way has scopes',
      { a: OPENID, b: KEY },
      [{ a: ['read'] }, { b: [] }],
      [{ 'api-key': { header: 'x-key' } }],
    ],
  ];
  for (const [title, all, security, policies] of table) {
    it(title, async () => {
      const made = await openapi({ ...schemes(all), security });
      assert.deepEqual(valueAt(made.written, ['apis', 'pet-shop', 'policies']), policies);
    });
  }

  it('the policies of routes where operations differ', async () => {
    const paths = { '/a': { get: { ...answer, security: [] } }, '/b': { get: answer } };
    const made = await openapi({ paths, ...schemes({ a: BASIC }), security: [{ a: [] }] });
    const policies = Object.values(made.written['routes'] ?? {}).map((route) => (route as Json)['policies']);
    assert.deepEqual(policies, [undefined, [{ basic: {} }]]);
    assert.match(
      made.report.join('\n'),
      /lost 1:\d+ paths\["\/a"\]\.get\.security: operations ask for different credentials/,
    );
  });
});

it('An older format is refused', async () => {
  assert.deepEqual(await refusal('{ "swagger": "2.0", "paths": {} }'), [
    '1:3 is not a version that is known here: openapi: 3.0.x or 3.1.x',
  ]);
});
