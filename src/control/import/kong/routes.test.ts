import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goes, type Json, kong, service } from './kong.support.ts';

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

  const WIDER: readonly (readonly [path: string, kind: 'lost' | 'note', message: string])[] = [
    ['/orders/', 'note', 'became /orders/*, which takes /orders too'],
    ['~/orders/.*', 'note', 'became /orders/*, which takes /orders too'],
    [
      '~/orders/.+',
      'lost',
      'became /orders/*, with the expression as a filter: what it does not take is refused with 403, and goes to no other route',
    ],
  ];
  for (const [path, kind, message] of WIDER)
    it(`with the path ${path} takes more than that, which is told`, async () => {
      const { report } = await kong(service({ paths: [path] }));
      assert.deepEqual(
        report.map((line) => line.replace(/ 1:\d+ /, ' ')),
        [`${kind} services[0].routes[0].paths[0]: ${message}`],
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
        assert.deepEqual(
          made.report.filter((line) => !/^note .* became .* too$/.test(line)),
          [],
        );
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

  const DEFAULTS = {
    timeouts: { connect: '60000ms' },
    retry: { attempts: 6, on: ['connect', 'reset', 'timeout'] },
  };

  it('has the timeouts and retries that Kong has where it says nothing', async () => {
    const url = 'http://orders.internal:8080';
    for (const [said, expected] of [
      [{}, DEFAULTS],
      [{ retries: 0 }, { timeouts: DEFAULTS.timeouts }],
      [{ read_timeout: 5000 }, { ...DEFAULTS, timeouts: { connect: '60000ms', firstByte: '5000ms' } }],
      [{ write_timeout: 90_000 }, { ...DEFAULTS, timeouts: { connect: '60000ms', idle: '90000ms' } }],
    ] as const) {
      const { written, report } = await kong(service({}, said));
      assert.deepEqual(written['services']?.['orders'], { url, ...expected, host: 'target' });
      assert.deepEqual(report, []);
    }
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
      ...DEFAULTS,
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
