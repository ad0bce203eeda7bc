import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keyDigest } from '../../../identity/consumers/api-keys.ts';
import { CERT, KEY } from '../../config/load.support.ts';
import { valueAt } from '../../config/place.ts';
import { explainRequest } from '../../explain/explain-request.ts';
import { type Imported, imported, refusal } from '../import.support.ts';

type Json = Readonly<Record<string, unknown>>;

const kong = (document: Json, version = '3.0') =>
  imported(JSON.stringify({ _format_version: version, ...document }));

/** One service with one route. */
const service = (route: Json, more: Json = {}) => ({
  services: [
    {
      name: 'orders',
      url: 'http://orders.internal:8080',
      ...more,
      routes: [{ name: 'orders', paths: ['/orders'], ...route }],
    },
  ],
});

/** Where a request goes: the route, and what the service is asked for. */
async function goes(
  { config }: Imported,
  method: string,
  url: string,
  headers: readonly (readonly [string, string])[] = [],
): Promise<string> {
  const result = await explainRequest(config, { method, url, headers });
  assert.ok(result.ok);
  const { route, outcome } = result.explanation;
  if (outcome.kind === 'service')
    return `${route?.name} ${outcome.services[0]?.name} ${outcome.upstreamHost}${outcome.upstreamPath}`;
  return outcome.kind === 'redirect'
    ? `${route?.name} ${outcome.status} ${outcome.location}`
    : `${route?.name ?? '-'} ${outcome.kind}`;
}

describe('A route of Kong', () => {
  const table: readonly (readonly [
    title: string,
    route: Json,
    service: Json,
    url: string,
    expected: string,
  ])[] = [
    ['loses its path where it strips', {}, {}, '/orders/7', 'orders orders target/7'],
    [
      'loses its path at the path of the service',
      {},
      { url: 'http://orders:80/v2/' },
      '/orders/7',
      'orders orders target/v2/7',
    ],
    [
      'keeps its path where it does not strip',
      { strip_path: false },
      {},
      '/orders/7',
      'orders orders target/orders/7',
    ],
    [
      'keeps the host where it is to',
      { preserve_host: true },
      {},
      'http://shop.test/orders',
      'orders orders shop.test/',
    ],
    [
      'takes any path without paths',
      { paths: null, hosts: ['shop.test'] },
      {},
      'http://shop.test/a/b',
      'orders orders target/a/b',
    ],
    [
      'takes a wildcard host',
      { hosts: ['*.shop.test'] },
      {},
      'http://eu.shop.test/orders/x',
      'orders orders target/x',
    ],
    [
      'with an expression of whole segments is exact',
      { paths: ['~/orders/(?<id>[^/]+)$'], strip_path: false },
      {},
      '/orders/7',
      'orders orders target/orders/7',
    ],
    [
      'with an expression that ends takes nothing behind',
      { paths: ['~/orders/(?<id>[^/]+)$'] },
      {},
      '/orders/7/x',
      '- not_found',
    ],
    [
      'with such an expression strips all of it',
      { paths: ['~/orders/(?<id>[^/]+)$'] },
      { url: 'http://orders:80/v2' },
      '/orders/7',
      'orders orders target/v2',
    ],
    [
      'for HTTPS alone redirects HTTP as it says',
      { protocols: ['https'], https_redirect_status_code: 301 },
      {},
      'http://shop.test/orders/7',
      'orders-http 301 https://shop.test/orders/7',
    ],
    [
      'for HTTPS alone answers HTTP with 426 where it says nothing',
      { protocols: ['https'] },
      {},
      'http://shop.test/orders/7',
      'orders-http respond',
    ],
  ];
  for (const [title, route, of, url, expected] of table) {
    it(title, async () => {
      const made = await kong(service(route, of));
      assert.equal(await goes(made, 'GET', url), expected);
      assert.deepEqual(made.report, []);
    });
  }

  it('with several values of a field takes each of them', async () => {
    const made = await kong(service({ headers: { 'X-Version': ['1', '2'] } }));
    assert.equal(await goes(made, 'GET', '/orders', [['x-version', '2']]), 'orders-2 orders target/');
    assert.equal(await goes(made, 'GET', '/orders', [['x-version', '3']]), '- not_found');
  });

  it('with an expression that asks for digits refuses all else, and that is told', async () => {
    const made = await kong(service({ paths: [String.raw`~/orders/\d+$`] }));
    assert.deepEqual(made.written['routes']?.['orders'], {
      match: { paths: ['/orders/{p1}'] },
      policies: [
        {
          'request-filter': {
            allow: [{ path: { pattern: String.raw`^/orders/\d+$` } }],
            code: 'path_not_taken',
          },
        },
      ],
      service: 'orders',
      rewrite: { path: '/' },
    });
    assert.match(
      made.report.join(),
      /^lost 1:\d+ services\[0\]\.routes\[0\]\.paths\[0\]: became \/orders\/\{p1\}, with the expression as a filter/,
    );
  });

  it('of an older version has expressions without a mark', async () => {
    const made = await kong(service({ paths: ['/orders/(?<id>[^/]+)$'] }), '2.1');
    assert.equal(await goes(made, 'GET', '/orders/7'), 'orders orders target/');
    assert.equal(
      await goes(await kong(service({ paths: ['/orders.v1'] }), '1.1'), 'GET', '/orders.v1/7'),
      'orders orders target/7',
    );
  });

  const DROPPED: readonly (readonly [title: string, route: Json, message: RegExp])[] = [
    [
      'paths that no native path says',
      { paths: [String.raw`~/o-\d+x`] },
      /none of the paths.*cannot be said with segments/s,
    ],
    [
      'a field by an expression',
      { headers: { 'x-a': ['~*^a'] } },
      /matched by an expression, so the route orders is left out/,
    ],
    ['names of TLS', { snis: ['shop.test'] }, /not chosen by snis here, so the route orders is left out/],
    ['protocols that are not spoken', { protocols: ['grpc'] }, /grpc are not routed here/],
    [
      'hosts with a port',
      { hosts: ['shop.test:8000'] },
      /cannot be matched, so the route orders is left out/,
    ],
  ];
  for (const [title, route, message] of DROPPED) {
    it(`with ${title} is left out: without them it would take more`, async () => {
      const made = await kong(service(route));
      assert.deepEqual(made.config.dataPlane.routes, {});
      assert.match(made.report.join('\n'), message);
    });
  }

  it('that ties with another one goes behind the one that stands first, which is told', async () => {
    const routes = ['first', 'second'].map((name) => ({ name, paths: ['/orders'] }));
    const made = await kong({ services: [{ name: 'orders', url: 'http://orders', routes }] });
    assert.equal(await goes(made, 'GET', '/orders'), 'first orders target/');
    assert.match(made.report.join(), /second takes requests that first takes too/);
  });

  const ORDERS: readonly (readonly [title: string, first: Json, second: Json, expected: string])[] = [
    [
      'by more kinds of things goes before a longer path',
      { paths: ['/a'], methods: ['GET'] },
      { paths: ['/a/b'] },
      'first',
    ],
    [
      'by more fields goes before a longer path',
      { paths: ['/a'], headers: { x: ['1'], y: ['1'] } },
      { paths: ['/a/b'], headers: { x: ['1'] } },
      'first',
    ],
    [
      'by an expression goes before a longer prefix',
      { paths: ['~/a/(?<id>[^/]+)/.*'] },
      { paths: ['/a/b/c'] },
      'first',
    ],
    [
      'with the higher regex_priority goes first',
      { paths: ['~/a/.*'], regex_priority: 2 },
      { paths: ['~/a/b/c$'], regex_priority: 1 },
      'first',
    ],
    [
      'with a longer path goes first where all else is the same',
      { paths: ['/a'] },
      { paths: ['/a/b'] },
      'second',
    ],
  ];
  for (const [title, first, second, expected] of ORDERS) {
    it(title, async () => {
      for (const routes of [
        [
          { name: 'first', ...first },
          { name: 'second', ...second },
        ],
        [
          { name: 'second', ...second },
          { name: 'first', ...first },
        ],
      ]) {
        const made = await kong({ services: [{ name: 'orders', url: 'http://orders', routes }] });
        assert.match(
          await goes(made, 'GET', '/a/b/c', [
            ['x', '1'],
            ['y', '1'],
          ]),
          new RegExp(`^${expected} `),
        );
        assert.deepEqual(made.report, []);
      }
    });
  }

  it('may stand beside its service', async () => {
    const made = await kong({
      services: [{ id: 's1', name: 'orders', host: 'orders.internal', port: 81, path: '/v1' }],
      routes: [
        { service: { id: 's1' }, paths: ['/a'] },
        { service: 'orders', paths: ['/b'], name: 'b' },
      ],
    });
    assert.equal(await goes(made, 'GET', '/a/x'), 'orders-1 orders target/v1/x');
    assert.equal(await goes(made, 'GET', '/b/x'), 'b orders target/v1/x');
  });
});

describe('A service of Kong', () => {
  it('keeps its timeouts and retries', async () => {
    const { written } = await kong(
      service({}, { connect_timeout: 2000, read_timeout: 30_000, write_timeout: 40_000, retries: 2 }),
    );
    assert.deepEqual(written['services']?.['orders'], {
      url: 'http://orders.internal:8080',
      timeouts: { connect: '2000ms', firstByte: '30000ms', idle: '40000ms' },
      retry: { attempts: 3, on: ['connect', 'reset', 'timeout'] },
      host: 'target',
    });
  });

  it('has the targets of its upstream, its weights and its checks', async () => {
    const { written, report } = await kong({
      ...service({}, { url: undefined, host: 'orders-up', protocol: 'http' }),
      upstreams: [
        {
          name: 'orders-up',
          algorithm: 'consistent-hashing',
          hash_on: 'header',
          hash_on_header: 'x-user',
          targets: [
            { target: '10.0.0.1:9000', weight: 2000 },
            { target: '10.0.0.2:9000', weight: 1 },
          ],
          healthchecks: {
            active: {
              http_path: '/health',
              timeout: 3,
              healthy: { interval: 10, successes: 2 },
              unhealthy: { interval: 5, http_failures: 4 },
            },
            passive: { unhealthy: { http_failures: 6 } },
          },
        },
      ],
    });
    assert.deepEqual(written['services']?.['orders'], {
      targets: [
        { url: 'http://10.0.0.1:9000', weight: 1000 },
        { url: 'http://10.0.0.2:9000', weight: 1 },
      ],
      balance: { algorithm: 'hash', hash: { header: 'x-user' } },
      health: {
        active: {
          path: '/health',
          interval: '5s',
          timeout: '3s',
          healthyAfter: 2,
          unhealthyAfter: 4,
          status: [200, 302],
        },
        passive: { consecutive5xx: 6, consecutiveLocalErrors: 0, successRate: false },
      },
      host: 'orders-up',
    });
    assert.deepEqual(report, []);
  });

  it('by a protocol that is not spoken is left out with its routes', async () => {
    const { config, report } = await kong(service({}, { url: undefined, host: 'a', protocol: 'grpc' }));
    assert.deepEqual(config.dataPlane.routes, {});
    assert.match(report.join('\n'), /grpc is not spoken to services/);
  });

  it('that is switched off is left out with its routes, which is no loss', async () => {
    const { written, report } = await kong(service({}, { enabled: false }));
    assert.equal(written['services'], undefined);
    assert.ok(report.every((line) => line.startsWith('note ')));
  });
});

/** The policies of the one route, with these plugins of it. */
async function policies(...plugins: readonly Json[]): Promise<readonly [unknown, readonly string[]]> {
  const { written, report } = await kong(service({ plugins }));
  return [valueAt(written, ['routes', 'orders', 'policies']), report];
}

const CLOSED = { authorize: { default: 'deny' } };

describe('A plugin of Kong becomes a policy', () => {
  const table: readonly (readonly [name: string, config: Json, expected: readonly Json[]])[] = [
    [
      'rate-limiting',
      { second: 5, hour: 1000, limit_by: 'ip', hide_client_headers: true },
      [{ 'rate-limit': { limits: ['5/s', '1000/h'], key: 'address', headers: [] } }],
    ],
    ['request-size-limiting', { allowed_payload_size: 8 }, [{ 'request-size': { max: '8mb' } }]],
    [
      'cors',
      {
        origins: ['https://app.test'],
        methods: ['GET'],
        exposed_headers: ['x-total'],
        max_age: 60,
        credentials: true,
        headers: ['x-a'],
      },
      [
        {
          cors: {
            origins: ['https://app.test'],
            methods: ['GET'],
            headers: ['x-a'],
            exposeHeaders: ['x-total'],
            credentials: true,
            maxAge: '60s',
          },
        },
      ],
    ],
    ['ip-restriction', { allow: ['10.0.0.0/8'] }, [{ 'ip-filter': { allow: ['10.0.0.0/8'] } }]],
    ['acl', { deny: ['banned'] }, [{ authorize: { groups: { deny: ['banned'] } } }]],
    [
      'key-auth',
      { key_names: ['x-key'], key_in_query: false, hide_credentials: true },
      [{ 'api-key': { header: ['x-key'], forward: false } }],
    ],
    ['basic-auth', {}, [{ basic: { forward: true } }]],
    [
      'request-transformer',
      {
        remove: { headers: ['x-a'] },
        append: { headers: ['x-b:1'], querystring: ['v:2'] },
        http_method: 'POST',
      },
      [
        { headers: { request: { remove: ['x-a'], add: { 'x-b': '1' } } } },
        { rewrite: { query: { remove: [], set: {}, add: { v: '2' } }, method: 'POST' } },
      ],
    ],
    [
      'response-transformer',
      { add: { headers: ['x-c:3'] }, remove: { headers: ['server'] } },
      [{ headers: { response: { remove: ['server'], default: { 'x-c': '3' } } } }],
    ],
    [
      'request-termination',
      { status_code: 410, message: 'gone' },
      [{ respond: { status: 410, body: '{"message":"gone"}', contentType: 'application/json' } }],
    ],
  ];
  for (const [name, config, expected] of table) {
    it(name, async () => {
      const [made, report] = await policies({ name, config });
      assert.deepEqual(made, expected);
      assert.deepEqual(report, []);
    });
  }

  it('of several that authenticate all are needed, unless each may be nobody', async () => {
    const both = await policies({ name: 'key-auth' }, { name: 'basic-auth' });
    assert.deepEqual(both[0], [
      { 'api-key': { header: ['apikey'], query: ['apikey'], forward: true } },
      { basic: { forward: true } },
    ]);
    const config = { anonymous: 'guest' };
    const either = await policies(
      { name: 'key-auth', config: { ...config, key_in_query: false } },
      { name: 'basic-auth', config },
    );
    assert.deepEqual(either[0], [
      {
        auth: {
          any: [{ 'api-key': { header: ['apikey'], forward: true } }, { basic: { forward: true } }],
          optional: true,
        },
      },
    ]);
  });

  it('of the level that is nearest', async () => {
    const limit = (minute: number) => ({ name: 'rate-limiting', config: { minute } });
    const made = await kong({
      services: [
        {
          name: 'a',
          url: 'http://a',
          plugins: [limit(2)],
          routes: [
            { name: 'own', paths: ['/own'], plugins: [limit(1)] },
            { name: 'service', paths: ['/service'] },
          ],
        },
        { name: 'b', url: 'http://b', routes: [{ name: 'global', paths: ['/global'] }] },
      ],
      plugins: [limit(3), { name: 'cors', config: {} }],
    });
    const limits = Object.entries(made.config.dataPlane.routes).map(([name, route]) => [
      name,
      route.policies.map(({ options }) => (options as { readonly limits?: unknown }).limits),
    ]);
    assert.deepEqual(limits, [
      ['own', [['1/min']]],
      ['service', [['2/min']]],
      ['global', [['3/min']]],
    ]);
    assert.deepEqual(
      made.config.dataPlane.policies.map(({ name }) => name),
      ['cors'],
    );
  });

  it('unless it is switched off', async () => {
    assert.deepEqual((await policies({ name: 'key-auth', enabled: false }))[0], []);
  });
});

describe('A plugin of Kong that has no policy', () => {
  it('leaves its routes closed where it may protect them, whatever else lets in', async () => {
    for (const name of ['hmac-auth', 'openid-connect', 'our-own-auth']) {
      const [made, report] = await policies({ name }, { name: 'acl', config: { allow: ['staff'] } });
      assert.deepEqual(made, [CLOSED]);
      assert.match(
        report.join(),
        new RegExp(
          `lost 1:\\d+ services\\[0\\]\\.routes\\[0\\]\\.plugins\\[0\\]: the plugin ${name} is not carried over: nobody is let in`,
        ),
      );
    }
  });

  it('everywhere closes every route', async () => {
    const { written } = await kong({ ...service({}), plugins: [{ name: 'ldap-auth' }] });
    assert.deepEqual(valueAt(written, ['routes', 'orders', 'policies']), [CLOSED]);
  });

  it('that writes logs is told of, and that is all', async () => {
    const [made, report] = await policies({ name: 'http-log', config: { http_endpoint: 'http://logs' } });
    assert.deepEqual(made, []);
    assert.match(report.join(), /the plugin http-log is not carried over$/);
  });

  it('or options that the policy refuses: closed where it protects, gone where it does not', async () => {
    const [made, report] = await policies(
      { name: 'ip-restriction', config: { allow: ['no address'] } },
      { name: 'cors', config: { origins: ['*'], credentials: true, headers: ['x-a'] } },
    );
    assert.deepEqual(made, [CLOSED]);
    assert.equal(report.length, 2);
    assert.match(
      report.join('\n'),
      /its policy ip-filter is left out, and nobody is let in until it is replaced/,
    );
  });
});

describe('A consumer of Kong', () => {
  it('keeps its groups, its keys as hashes, its password as a hash', async () => {
    const key = 'a-key-of-alice-0123456789';
    const made = await kong({
      consumers: [{ username: 'alice', acls: [{ group: 'staff' }], keyauth_credentials: [{ key }] }],
      basicauth_credentials: [{ consumer: 'alice', username: 'al', password: 'wonderland' }],
    });
    const { basic, ...rest } = valueAt(made.written, ['consumers', 'alice']) as { readonly basic: Json };
    assert.deepEqual(rest, { groups: ['staff'], apiKeys: [{ hash: `sha256:${keyDigest(key)}` }] });
    assert.equal(basic['username'], 'al');
    assert.match(String(basic['hash']), /^\$scrypt\$/);
    assert.doesNotMatch(made.result.yaml + made.report.join(), /wonderland|a-key-of-alice/);
  });

  it('whose password is hashed as Kong does it needs a new one', async () => {
    const made = await kong({
      _transform: false,
      consumers: [{ username: 'bob', basicauth_credentials: [{ username: 'bob', password: 'c2hh' }] }],
    });
    assert.deepEqual(made.written['consumers'], { bob: {} });
    assert.match(made.report.join(), /the password is hashed as Kong does it/);
  });

  it('has keys of a vault by the variable', async () => {
    const made = await kong({
      consumers: [{ username: 'bob', keyauth_credentials: [{ key: '{vault://env/bob-key}' }] }],
    });
    assert.deepEqual(made.written['consumers'], { bob: { apiKeys: [{ key: 'env:BOB_KEY' }] } });
  });

  it('signs tokens that its routes take', async () => {
    const secret = 'a-shared-secret-of-32-characters-or-more';
    const made = await kong({
      ...service({ plugins: [{ name: 'jwt', config: { claims_to_verify: ['exp'], uri_param_names: [] } }] }),
      consumers: [{ username: 'app', jwt_secrets: [{ key: 'app', secret }] }],
    });
    assert.deepEqual(valueAt(made.written, ['routes', 'orders', 'policies']), [
      {
        jwt: {
          issuers: [{ issuer: 'app', secret: 'env:APP_JWT_SECRET', algorithms: ['HS256'] }],
          anyAudience: true,
          from: {},
          keep: true,
          claims: { consumer: 'iss' },
        },
      },
    ]);
    assert.deepEqual(made.result.secrets, [{ name: 'APP_JWT_SECRET', value: secret }]);
    assert.doesNotMatch(made.result.yaml, /shared-secret/);
  });

  it('that a plugin restricts is left out', async () => {
    const made = await kong({
      consumers: [{ username: 'bob', plugins: [{ name: 'request-termination' }] }, { username: 'eve' }],
      plugins: [{ name: 'ip-restriction', consumer: 'eve', config: { deny: ['0.0.0.0/0'] } }],
    });
    assert.equal(made.written['consumers'], undefined);
  });
});

it('Certificates of Kong get a listener, and their keys stay out of the configuration', async () => {
  const made = await kong({
    certificates: [{ id: 'c', cert: CERT, key: KEY, snis: [{ name: 'localhost' }] }],
  });
  assert.deepEqual(made.written['listeners'], {
    http: { port: 8080 },
    https: { port: 8443, protocol: 'https', tls: { certificates: ['localhost'] } },
  });
  assert.deepEqual(made.written['certificates'], { localhost: { cert: CERT, key: 'env:LOCALHOST_KEY' } });
  assert.deepEqual(made.report, []);
});

it('What a document of Kong says and nothing here means is told with its place', async () => {
  const made = await imported(
    `_format_version: "3.0"
services:
  - name: orders
    url: http://orders:80
    colour: blue
    routes:
      - paths: [/orders]
        shape: round
vaults:
  - prefix: a
`,
  );
  assert.deepEqual(made.report, [
    'lost 5:5 services[0].colour: "colour" of the service orders is not carried over',
    'lost 8:9 services[0].routes[0].shape: "shape" of the route orders is not carried over',
    'lost 9:1 vaults: "vaults" of the document is not carried over',
  ]);
});

it('A document of Kong of an unknown version is refused', async () => {
  assert.deepEqual(await refusal(JSON.stringify({ _format_version: '4.0', services: [] })), [
    '1:2 is not the version of a declarative configuration that is known here: 1.1, 2.1 or 3.0',
  ]);
});
