import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keyDigest } from '../../../identity/consumers/api-keys.ts';
import { CERT, KEY } from '../../config/load.support.ts';
import { valueAt } from '../../config/place.ts';
import { imported, refusal } from '../import.support.ts';
import { goes, type Json, kong, service } from './kong.support.ts';

/** The policies of the one route, with these plugins of it. */
async function policies(...plugins: readonly Json[]): Promise<readonly [unknown, readonly string[]]> {
  const { written, report } = await kong(service({ plugins }));
  return [valueAt(written, ['routes', 'orders', 'policies']), report];
}

describe('Defaults of decK', () => {
  const withDefaults = (defaults: Json, route: Json = {}, more: Json = {}) =>
    kong({ _info: { select_tags: ['team'], defaults }, ...service(route, more) });

  it('are what entities say that do not say it themselves', async () => {
    const defaults = {
      service: { retries: 2, connect_timeout: 3000 },
      route: { strip_path: false, protocols: ['https'], https_redirect_status_code: 426 },
    };
    const { written, report } = await withDefaults(defaults, {}, { connect_timeout: 500 });
    assert.deepEqual(
      [
        valueAt(written, ['services', 'orders', 'retry', 'attempts']),
        valueAt(written, ['services', 'orders', 'timeouts', 'connect']),
        valueAt(written, ['routes', 'orders', 'match', 'protocols']),
        valueAt(written, ['routes', 'orders', 'rewrite']),
      ],
      [3, '500ms', ['https'], undefined],
    );
    assert.deepEqual(report, []);
    assert.equal(
      await goes(await withDefaults(defaults, { protocols: ['http', 'https'] }), 'GET', '/orders/7'),
      'orders orders target/orders/7',
    );
  });

  it('of what is not known here are told', async () => {
    const { report } = await withDefaults({ route: { strip_path: false }, vault: { prefix: 'x' } });
    assert.match(
      report.join(),
      /^lost 1:\d+ _info\.defaults\.vault: "vault" of the defaults is not carried over$/,
    );
  });
});

it('A service that speaks no HTTP is left out, and told of where its protocol stands', async () => {
  const { report } = await kong(service({}, { url: 'tcp://orders.internal:9000' }));
  assert.match(
    report.join('\n'),
    /^lost 1:\d+ services\[0\]\.url: tcp is not spoken to services, so the service and its routes are left out$/m,
  );
});

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

  it('cors, with any field that a page asks for where Kong names none', async () => {
    const [made] = await policies({ name: 'cors', config: { origins: ['https://app.test'] } });
    assert.deepEqual(valueAt(made, [0, 'cors', 'headers']), ['*', 'authorization']);
  });

  it('for one of two protocols is for both, which is told, and none for others alone', async () => {
    const plugin = (protocols: readonly string[]) => policies({ name: 'basic-auth', protocols });
    const basic = [{ basic: { forward: true } }];
    const told = (protocol: string) =>
      `services[0].routes[0].plugins[0].protocols: the plugin basic-auth is for ${protocol} alone, and for both here`;
    for (const [protocols, expected, report] of [
      [['grpc', 'grpcs', 'http', 'https'], basic, []],
      [['https'], basic, [told('https')]],
      [['http', 'tcp'], basic, [told('http')]],
      [['grpc'], [], []],
    ] as const) {
      const [made, lines] = await plugin(protocols);
      assert.deepEqual([made, lines.map((line) => line.replace(/^lost 1:\d+ /, ''))], [expected, report]);
    }
  });

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

  describe('of those that leave requests without credentials to an anonymous consumer, who', () => {
    const one = { 'api-key': { header: ['apikey'], query: ['apikey'], forward: true } };
    const any = [one, { basic: { forward: true } }];
    const report =
      'lost 1:0 services[0].routes[0].plugins[0].config.anonymous: what guest may do is not carried over: requests without credentials are refused';
    const limit = { name: 'rate-limiting', config: { minute: 5 } };
    const levels: readonly (readonly [
      title: string,
      plugins: readonly Json[],
      auth: Json,
      told: readonly string[],
    ])[] = [
      ['is not restricted, none is needed', [], { any, optional: true }, []],
      ['has a limit of its own, none is needed', [limit], { any, optional: true }, []],
      ['is refused, one is needed', [{ name: 'request-termination' }], { any }, []],
      [
        'is refused by a status of its own, one is needed',
        [{ name: 'request-termination', config: { status_code: 401 } }],
        { any },
        [],
      ],
      [
        'gets another answer, one is needed, and that is told',
        [{ name: 'request-termination', config: { status_code: 200 } }],
        { any },
        [report],
      ],
      [
        'is refused now and then, one is needed, and that is told',
        [{ name: 'request-termination', config: { trigger: 'x-stop' } }],
        { any },
        [report],
      ],
      [
        'has to come from somewhere, one is needed, and that is told',
        [{ name: 'ip-restriction', config: { allow: ['10.0.0.0/8'] } }],
        { any },
        [report],
      ],
    ];
    for (const [title, plugins, auth, told] of levels)
      for (const anonymous of ['guest', 'd955c0cb-1a6e-4152-9440-414ebb8fee8a'])
        it(`${title} (${anonymous})`, async () => {
          const config = { anonymous };
          const made = await kong({
            ...service({
              plugins: [
                { name: 'key-auth', config },
                { name: 'basic-auth', config },
              ],
            }),
            consumers: [{ id: 'd955c0cb-1a6e-4152-9440-414ebb8fee8a', username: 'guest', plugins }],
          });
          assert.deepEqual(valueAt(made.written, ['routes', 'orders', 'policies']), [{ auth }]);
          assert.deepEqual(
            made.report
              .filter((line) => line.includes('.anonymous:'))
              .map((line) => line.replace(/ 1:\d+ /, ' 1:0 ')),
            told.flatMap((line) => [line, line.replace('plugins[0]', 'plugins[1]')]),
          );
        });
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
      route.policies.map(({ options }) => [valueAt(options, ['limits', 0]), valueAt(options, ['scope'])]),
    ]);
    assert.deepEqual(limits, [
      ['own', [['1/min', undefined]]],
      ['service', [['2/min', 'service']]],
      ['global', [['3/min', 'gateway']]],
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

  const PLACES: readonly (readonly [config: Json, from: Json, lines: readonly string[]])[] = [
    [{}, { query: 'jwt' }, []],
    [{ header_names: ['Authorization'] }, { query: 'jwt' }, []],
    [
      { header_names: ['authorization', 'x-token'] },
      { query: 'jwt' },
      ['header_names: of the fields, tokens are taken from Authorization alone'],
    ],
    [
      { cookie_names: ['a', 'b', 'c'], uri_param_names: ['t', 'u'] },
      { cookie: 'a', query: 't' },
      [
        'cookie_names: tokens are taken from a alone, not from b, c',
        'uri_param_names: tokens are taken from t alone, not from u',
      ],
    ],
  ];
  for (const [config, from, lines] of PLACES)
    it(`sends tokens where ${JSON.stringify(config)} says, as far as there is such a place`, async () => {
      const made = await kong({
        ...service({ plugins: [{ name: 'jwt', config: { claims_to_verify: ['exp', 'nbf'], ...config } }] }),
        consumers: [{ username: 'app', jwt_secrets: [{ key: 'app', secret: 'a'.repeat(32) }] }],
      });
      assert.deepEqual(valueAt(made.written, ['routes', 'orders', 'policies', 0, 'jwt', 'from']), from);
      assert.deepEqual(
        made.report.flatMap((line) => /^lost 1:\d+ .*\.config\.(.*)$/.exec(line)?.[1] ?? []),
        lines,
      );
      assert.doesNotMatch(made.report.join(), /is over/);
    });

  it('has tokens that are not taken once they are over, which is told where Kong does not look', async () => {
    const made = await kong({
      ...service({ plugins: [{ name: 'jwt' }] }),
      consumers: [{ username: 'app', jwt_secrets: [{ key: 'app', secret: 'a'.repeat(32) }] }],
    });
    assert.match(
      made.report.join('\n'),
      /^note 1:\d+ .*: a token that is over, or not yet valid, is refused, whatever claims_to_verify says$/m,
    );
  });

  it('with a rate of its own has a plan', async () => {
    const made = await kong({
      consumers: [{ username: 'bob', plugins: [{ name: 'rate-limiting', config: { minute: 5 } }] }],
    });
    assert.deepEqual(made.written, {
      plans: { bob: { limits: ['5/min'] } },
      consumers: { bob: { plan: 'bob' } },
      policies: [{ plan: { unknown: 'pass' } }],
    });
    assert.match(made.report.join(), /^note 1:\d+ consumers\[0\]\.plugins\[0\]: became the plan bob/);
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
