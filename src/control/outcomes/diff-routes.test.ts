import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { basic, changes, EXAMPLE, type Json, orders } from './outcomes.support.ts';

describe('Routes', () => {
  it('that are new and public are no weaker authentication', async () => {
    assert.deepEqual(await changes({}, orders([])), [`newly-public same: ${EXAMPLE}`]);
  });

  it('that are new and ask who calls are reachable', async () => {
    assert.deepEqual(await changes({}, orders([basic])), [`newly-reachable same: ${EXAMPLE}`]);
  });

  it('that go deny their requests', async () => {
    assert.deepEqual(await changes(orders([basic]), {}), [`newly-denied same: ${EXAMPLE}`]);
  });

  it('for HTTPS alone deny what comes over HTTP, and the end of that is weaker', async () => {
    const only = [basic, { 'https-only': {} }];
    const http = 'http://example.com/orders/any';
    assert.deepEqual(await changes(orders([basic]), orders(only)), [`newly-denied stronger: GET ${http}`]);
    assert.deepEqual(await changes(orders(only), orders([basic])), [`newly-reachable weaker: GET ${http}`]);
  });

  it('that take a method less deny it', async () => {
    const match = (methods: readonly string[]) => orders([], { match: { paths: ['/orders'], methods } });
    assert.deepEqual(await changes(match(['GET', 'DELETE']), match(['GET'])), [
      'newly-denied same: DELETE https://example.com/orders',
    ]);
  });

  it('that no longer want a header are public without it', async () => {
    const match = (headers: Json) => orders([], { match: { paths: ['/orders'], headers } });
    assert.deepEqual(await changes(match({ 'x-beta': '1' }), match({})), [
      'newly-public same: GET https://example.com/orders',
    ]);
  });

  it('that take requests from another one show what these meet now', async () => {
    const match = { hosts: ['shop.test'], paths: ['/orders/{id}'], methods: ['GET'] };
    const open = { open: { match, service: 'billing' } };
    assert.deepEqual(await changes(orders([basic]), { ...orders([basic]), ...open }), [
      'newly-public weaker: GET https://shop.test/orders/any',
      'destination same: GET https://shop.test/orders/any',
    ]);
  });

  const DESTINATIONS: readonly (readonly [title: string, before: Json, after: Json])[] = [
    ['another service', { service: 'orders' }, { service: 'billing' }],
    ['another path at the service', { service: 'orders' }, { service: 'orders', rewrite: { path: '/v2/*' } }],
    [
      'another share',
      { split: [{ service: 'orders', weight: 1 }], service: undefined },
      {
        split: [
          { service: 'orders', weight: 1 },
          { service: 'billing', weight: 1 },
        ],
        service: undefined,
      },
    ],
    [
      'a copy to another service',
      { service: 'orders' },
      { service: 'orders', mirror: { service: 'billing' } },
    ],
    [
      'another answer',
      { service: undefined, respond: { status: 200 } },
      { service: undefined, respond: { status: 204 } },
    ],
    [
      'a redirect elsewhere',
      { service: undefined, redirect: { path: '/a' } },
      { service: undefined, redirect: { path: '/b' } },
    ],
  ];
  for (const [title, before, after] of DESTINATIONS) {
    it(`that give ${title} show it`, async () => {
      assert.deepEqual(await changes(orders([], before), orders([], after)), [
        `destination same: ${EXAMPLE}`,
      ]);
    });
  }

  const [O, B] = [{ url: 'https://orders' }, { url: 'https://billing' }];
  const PLACES: readonly (readonly [title: string, before: Json, after: Json, route?: Json])[] = [
    ['service runs elsewhere', { orders: O }, { orders: { url: 'https://elsewhere' } }],
    [
      'service is believed whatever its certificate',
      { orders: O },
      { orders: { ...O, tls: { verify: false } } },
    ],
    [
      'service is another one while it fails',
      { orders: O, billing: B },
      { orders: { ...O, fallback: { service: 'billing' } }, billing: B },
    ],
    [
      'service is another one, elsewhere, while it fails',
      { orders: { ...O, fallback: { service: 'billing' } }, billing: B },
      { orders: { ...O, fallback: { service: 'billing' } }, billing: { url: 'https://elsewhere' } },
    ],
    [
      'copies go elsewhere',
      { orders: O, billing: B },
      { orders: O, billing: { url: 'https://elsewhere' } },
      { mirror: { service: 'billing' } },
    ],
  ];
  for (const [title, before, after, route] of PLACES)
    it(`whose ${title} show it`, async () => {
      const routes = orders([], route);
      assert.deepEqual(await changes(routes, routes, [{ services: before }, { services: after }]), [
        `destination same: ${EXAMPLE}`,
      ]);
    });

  const catchAll = (more: Json) => ({
    all: { match: { paths: ['/*'] }, service: 'billing', ...more },
  });
  const refusing = (status: number) => orders([], { service: undefined, respond: { status } });
  const REFUSALS: readonly (readonly [title: string, before: Json, after: Json, expected: string])[] = [
    [
      'that let nobody in by a fixed answer were a denial',
      { ...refusing(403), ...catchAll({}) },
      catchAll({}),
      'newly-public weaker',
    ],
    [
      'that let nobody in by a policy were a denial',
      orders([{ respond: { status: 401 } }]),
      orders([basic]),
      'newly-reachable weaker',
    ],
    ['that come to let nobody in are one', orders([basic]), refusing(451), 'newly-denied stronger'],
    [
      'that said that there is nothing were no answer',
      { ...refusing(404), ...catchAll({}) },
      catchAll({}),
      'newly-public same',
    ],
    [
      'that are new before one that says that there is nothing are no weaker',
      catchAll({ service: undefined, respond: { status: 404 } }),
      { ...catchAll({ service: undefined, respond: { status: 404 } }), ...orders([]) },
      'newly-public same',
    ],
    [
      'that come to say that there is nothing are a denial',
      orders([basic]),
      refusing(410),
      'newly-denied same',
    ],
  ];
  for (const [title, before, after, expected] of REFUSALS)
    it(title, async () => {
      const found = await changes(before, after);
      assert.deepEqual(found, [`${expected}: ${EXAMPLE}`]);
    });

  it('with other limits show it', async () => {
    const limit = { 'rate-limit': { limits: ['10/s'] } };
    assert.deepEqual(await changes(orders([limit]), orders([])), [`limits same: ${EXAMPLE}`]);
  });

  it('that are switched off deny their requests, whatever they asked before', async () => {
    assert.deepEqual(await changes(orders([basic]), orders([], { enabled: false })), [
      `newly-denied same: ${EXAMPLE}`,
    ]);
    assert.deepEqual(await changes(orders([], { enabled: false }), orders([])), [
      `newly-public same: ${EXAMPLE}`,
    ]);
  });

  it('whose policies send requests elsewhere, or to another function, show it', async () => {
    const rewrite = (path: string) => orders([{ rewrite: { path } }]);
    assert.deepEqual(await changes(rewrite('/a'), rewrite('/b')), [`destination same: ${EXAMPLE}`]);
    const calls = (name: string) => orders([{ function: { name } }]);
    assert.deepEqual(await changes(calls('hello'), calls('bye')), [`destination same: ${EXAMPLE}`]);
  });

  it('that are called otherwise, and written in another order, are the same', async () => {
    const one = { match: { paths: ['/a'] }, service: 'orders', policies: [basic] };
    const two = { match: { paths: ['/b'] }, service: 'billing' };
    assert.deepEqual(await changes({ one, two }, { other: two, first: one }), []);
  });
});

describe('Pages of other origins', () => {
  const app = 'https://app.example.com';
  const cors = (origins: readonly string[], more: Json = {}) => ({ cors: { origins, ...more } });
  const acting = { credentials: true };
  const none = { cors: { enabled: false } };
  const table: readonly (readonly [
    title: string,
    before: readonly Json[],
    after: readonly Json[],
    expected: string | undefined,
  ])[] = [
    [
      'that may act as the user are weaker where they are others',
      [cors([app], acting)],
      [cors(['https://*.evil.test'], acting)],
      'changed',
    ],
    [
      'that may act as the user are weaker where they are more',
      [cors([app], acting)],
      [cors([app, 'https://*.evil.test'], acting)],
      'weaker',
    ],
    [
      'that may act as the user are weaker below a wider name',
      [cors([app, 'https://*.a.example.com'], acting)],
      [cors(['https://*.example.com'], acting)],
      'weaker',
    ],
    [
      'that may act as the user are stronger where they are fewer',
      [cors(['https://*.example.com'], acting)],
      [cors([app, 'https://*.a.example.com'], acting)],
      'stronger',
    ],
    ['are weaker where cookies go along from now on', [cors([app])], [cors([app], acting)], 'weaker'],
    ['are stronger where they do no more', [cors([app], acting)], [cors(['*'])], 'stronger'],
    [
      'are weaker with one more method',
      [cors([app], { ...acting, methods: ['GET'] })],
      [cors([app], { ...acting, methods: ['GET', 'POST'] })],
      'weaker',
    ],
    [
      'are weaker where they may come from public to private networks',
      [cors([app])],
      [cors([app], { privateNetwork: true })],
      'weaker',
    ],
    ['without credentials may do what anybody may', [cors([app])], [cors(['*'])], 'same'],
    ['that only the service let in are weaker by the gateway’s word', [], [cors([app], acting)], 'weaker'],
    ['that the service lets in from now on are not known', [none], [], 'changed'],
    ['that the service lets in no more are told', [], [none], 'same'],
    ['are the same where none are let in, in two words', [none], [none], undefined],
    [
      'are the same where a browser asks more often',
      [cors([app], { maxAge: '1m' })],
      [cors([app])],
      undefined,
    ],
  ];
  for (const [title, before, after, expected] of table)
    it(title, async () => {
      assert.deepEqual(
        await changes(orders(before), orders(after)),
        expected === undefined ? [] : [`pages ${expected}: ${EXAMPLE}`],
      );
    });
});
