import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { diffOutcomes } from './diff.ts';
import { basic, changes, configFrom, configOf, EXAMPLE, type Json, orders } from './outcomes.support.ts';
import { outcomeDiffText } from './text.ts';

const key = { 'api-key': {} };
const any = (...methods: readonly Json[]) => ({ auth: { any: methods } });
const all = (...methods: readonly Json[]) => ({ auth: { all: methods } });
const jwt = (more: Json) => ({ jwt: { provider: 'main', audience: 'orders', ...more } });

describe('Authentication', () => {
  const table: readonly (readonly [
    title: string,
    before: readonly Json[],
    after: readonly Json[],
    expected: string,
  ])[] = [
    ['removed makes a route public', [basic], [], 'newly-public weaker'],
    ['replaced by public makes it public', [basic], [{ public: {} }], 'newly-public weaker'],
    [
      'that becomes optional makes it public',
      [any(basic)],
      [{ auth: { any: [basic], optional: true } }],
      'newly-public weaker',
    ],
    ['added denies whoever says nothing', [], [basic], 'newly-denied stronger'],
    [
      'that is optional looks at credentials',
      [],
      [{ auth: { any: [basic], optional: true } }],
      'authentication stronger',
    ],
    [
      'that was optional looks at them no more',
      [{ auth: { any: [basic], optional: true } }],
      [],
      'authentication weaker',
    ],
    ['with a further way in is weaker', [any(basic)], [any(basic, key)], 'authentication weaker'],
    ['with one way less is stronger', [any(basic, key)], [any(key)], 'authentication stronger'],
    ['with one of two that were needed is weaker', [all(basic, key)], [key], 'authentication weaker'],
    ['with a second that is needed is stronger', [key], [key, basic], 'authentication stronger'],
    ['of another kind is neither', [basic], [key], 'authentication changed'],
    [
      'of one more issuer is weaker',
      [{ jwt: { issuers: [{ issuer: 'https://a.test' }], anyAudience: true } }],
      [{ jwt: { issuers: [{ issuer: 'https://a.test' }, { issuer: 'https://b.test' }], anyAudience: true } }],
      'authentication weaker',
    ],
    [
      'of tokens for one more audience is weaker',
      [jwt({})],
      [jwt({ audience: ['orders', 'billing'] })],
      'authentication weaker',
    ],
    [
      'of tokens that need not expire is weaker',
      [jwt({})],
      [jwt({ expiry: 'optional' })],
      'authentication weaker',
    ],
    [
      'of tokens whoever they are bound to is weaker',
      [jwt({})],
      [jwt({ confirmation: 'ignored' })],
      'authentication weaker',
    ],
    [
      'of certificates that no consumer has is weaker',
      [{ mtls: {} }],
      [{ mtls: { unknown: 'subject' } }],
      'authentication weaker',
    ],
    [
      'of fresher tokens is stronger',
      [jwt({ maxAge: '1h' })],
      [jwt({ maxAge: '5m' })],
      'authentication stronger',
    ],
    [
      'of tokens with other claims is neither',
      [jwt({})],
      [jwt({ claims: { subject: 'email' } })],
      'authentication changed',
    ],
  ];
  for (const [title, before, after, expected] of table) {
    it(title, async () => {
      assert.deepEqual(await changes(orders(before), orders(after)), [`${expected}: ${EXAMPLE}`]);
    });
  }

  it('is the same where only what a client is told, or where credentials stand, is written otherwise', async () => {
    const before = orders([any({ basic: { realm: 'one' } }, { 'api-key': { header: 'x-a' } })]);
    const after = orders([
      any({ 'api-key': { header: 'x-b', prefix: 'acme_' } }, { basic: { realm: 'two' } }),
    ]);
    assert.deepEqual(await changes(before, after), []);
  });

  it('of every route is replaced by a route’s own', async () => {
    const tops = [{ policies: [basic] }, { policies: [basic] }] as const;
    assert.deepEqual(await changes(orders([]), orders([{ public: {} }]), tops), [
      `newly-public weaker: ${EXAMPLE}`,
    ]);
  });

  it('of every route, taken away, shows at each route that relied on it', async () => {
    const routes = {
      ...orders([]),
      keyed: { match: { paths: ['/keyed'] }, service: 'billing', policies: [key] },
    };
    assert.deepEqual(await changes(routes, routes, [{ policies: [basic] }, {}]), [
      `newly-public weaker: ${EXAMPLE}`,
    ]);
  });

  describe('is another one where', () => {
    const main = { issuer: 'https://id.example.com', clientId: 'gateway', clientSecret: 'secret' };
    const other = { ...main, issuer: 'https://other.example.com' };
    const web = { login: ['main'], tokens: {} };
    const session = { session: { name: 'web' } };
    const token = { 'personal-access-token': { name: 'web' } };
    const of = (provider: Json, more: Json = {}) => ({
      providers: { main: provider, second: other },
      sessions: { web: { ...web, ...more } },
    });
    const issuers: readonly (readonly [title: string, method: Json, before: Json, after: Json])[] = [
      ['a provider has another issuer', jwt({}), of(main), of(other)],
      ['a session is begun at another issuer', session, of(main), of(other)],
      ['a session takes another login', session, of(main), of(main, { login: ['second'] })],
      ['a token is that of somebody of another issuer', token, of(main), of(other)],
      ['a token is that of a session with another login', token, of(main), of(main, { login: ['second'] })],
    ];
    for (const [title, method, before, after] of issuers)
      it(title, async () => {
        const routes = {
          ...orders([method]),
          auth: { match: { paths: ['/auth/*'] }, login: 'web' },
        };
        const found = await changes(routes, routes, [before, after]);
        assert.ok(found.includes(`authentication changed: ${EXAMPLE}`), found.join('\n'));
      });
  });
});

describe('The organization of a consumer and that of a route', () => {
  const organizations = { acme: {}, globex: {} };
  const of = (owner: string | undefined) => ({
    organizations,
    consumers: {
      ann: {
        ...(owner !== undefined && { organization: owner }),
        basic: { password: 'a password of ann' },
      },
    },
  });
  const ordersOf = (organization: string | undefined, policies: readonly Json[] = [basic]) =>
    orders(policies, organization === undefined ? {} : { organization });
  const table: readonly (readonly [
    title: string,
    before: readonly [route: string | undefined, consumer: string | undefined],
    after: readonly [route: string | undefined, consumer: string | undefined],
    expected: string | undefined,
    policies?: readonly Json[],
  ])[] = [
    ['let in a consumer that is shared from now on', ['acme', 'globex'], ['acme', undefined], 'weaker'],
    ['refuse one that is another’s from now on', ['acme', undefined], ['acme', 'globex'], 'stronger'],
    ['let in one that comes to the route’s own', [undefined, 'acme'], ['acme', 'acme'], 'weaker'],
    ['refuse one that the route leaves behind', ['acme', 'acme'], ['globex', 'acme'], 'stronger'],
    [
      'are nothing to a route that knows it before and after',
      ['acme', undefined],
      ['acme', 'acme'],
      undefined,
    ],
    ['are nothing where nobody is asked', ['acme', 'globex'], ['acme', undefined], undefined, []],
  ];
  for (const [title, before, after, expected, policies] of table)
    it(title, async () =>
      assert.deepEqual(
        [
          ...new Set(
            await changes(ordersOf(before[0], policies), ordersOf(after[0], policies), [
              of(before[1]),
              of(after[1]),
            ]),
          ),
        ].slice(0, 1),
        expected === undefined ? [] : [`authentication ${expected}: ${EXAMPLE}`],
      ),
    );

  it('of a new consumer are no change of what a route asks for', async () =>
    assert.deepEqual(await changes(ordersOf('acme'), ordersOf('acme'), [{ organizations }, of('acme')]), []));
});

describe('Authorization', () => {
  const authorize = (options: Json) => [basic, { authorize: options }];
  const table: readonly (readonly [
    title: string,
    before: readonly Json[],
    after: readonly Json[],
    expected: readonly string[],
  ])[] = [
    ['removed is weaker', authorize({ groups: ['staff'] }), [basic], ['weaker']],
    [
      'by one more group is weaker',
      authorize({ groups: ['staff'] }),
      authorize({ groups: ['staff', 'guests'] }),
      ['weaker'],
    ],
    [
      'by one scope less is weaker',
      authorize({ scopes: ['a', 'b'] }),
      authorize({ scopes: ['a'] }),
      ['weaker'],
    ],
    [
      'by a further scope is stronger',
      authorize({ scopes: ['a'] }),
      authorize({ scopes: ['a', 'b'] }),
      ['stronger'],
    ],
    [
      'that no longer excludes somebody is weaker',
      authorize({ groups: { allow: ['staff'], deny: ['banned'] } }),
      authorize({ groups: ['staff'] }),
      ['weaker'],
    ],
    [
      'by another condition is neither',
      authorize({ when: 'principal.consumer == "a"' }),
      authorize({ when: 'principal.consumer == "b"' }),
      ['changed'],
    ],
    [
      'weaker in one thing and stronger in another is weaker',
      authorize({ groups: ['staff'] }),
      [basic, key, { authorize: { groups: ['staff', 'guests'] } }],
      ['weaker'],
    ],
    [
      'for whoever is known says no more than authentication does',
      authorize({ default: 'authenticated' }),
      authorize({ default: 'authenticated' }),
      [],
    ],
  ];
  for (const [title, before, after, expected] of table) {
    it(title, async () => {
      const found = await changes(orders(before), orders(after));
      assert.deepEqual(
        found,
        expected.map((each) => `authentication ${each}: ${EXAMPLE}`),
      );
    });
  }

  it('by method changes for that method alone', async () => {
    const before = authorize({ methods: { GET: { scopes: ['read'] }, POST: { scopes: ['write'] } } });
    const after = authorize({ methods: { GET: { scopes: ['read'] }, POST: 'authenticated' } });
    assert.deepEqual(await changes(orders(before), orders(after)), [
      'authentication weaker: POST https://example.com/orders/any',
    ]);
  });

  it('by a method that nobody would think of changes for that one', async () => {
    const rights = (right: unknown, others: unknown = 'deny') =>
      orders(authorize({ methods: { GET: 'allow', POST: 'allow', DELETE: right, '*': others } }));
    assert.deepEqual(await changes(rights('deny'), rights('authenticated')), [
      'newly-reachable weaker: DELETE https://example.com/orders/any',
    ]);
    assert.deepEqual(
      await changes(rights('deny', 'authenticated'), rights('authenticated', 'authenticated')),
      ['newly-reachable weaker: DELETE https://example.com/orders/any'],
    );
    assert.deepEqual(await changes(rights('deny'), rights('deny', 'authenticated')), [
      'newly-reachable weaker: PUT https://example.com/orders/any',
    ]);
  });

  it('that lets nobody in is a denial, and the end of it no publication', async () => {
    const closed = authorize({ default: 'deny' });
    assert.deepEqual(await changes(orders([basic]), orders(closed)), [`newly-denied stronger: ${EXAMPLE}`]);
    assert.deepEqual(await changes(orders(closed), orders([basic])), [`newly-reachable weaker: ${EXAMPLE}`]);
  });

  it('includes filters of requests', async () => {
    const filter = { 'ip-filter': { allow: ['10.0.0.0/8'] } };
    assert.deepEqual(await changes(orders([filter]), orders([])), [`authentication weaker: ${EXAMPLE}`]);
  });
});

describe('The number of requests that are tried', () => {
  it('is bounded, which the result tells', async () => {
    const routes = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `r${index}`,
        { match: { paths: [`/r${index}/*`] }, service: 'orders' },
      ]),
    );
    const diff = await diffOutcomes(await configOf(routes), await configOf({}), { mostRequests: 10 });
    assert.equal(diff.cut, true);
    assert.equal(diff.tried, 10);
  });

  it('is enough for each route before any is asked for a second time', async () => {
    const routes = (policies: readonly Json[]) =>
      Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [
          `r${index}`,
          { match: { paths: [`/r${index}/*`] }, service: 'orders', policies: index === 39 ? policies : [] },
        ]),
      );
    const limit = { policies: [{ 'request-size': { max: '1mb' } }] };
    const [before, after] = [await configOf(routes([basic])), await configOf(routes([]), limit)];
    const diff = await diffOutcomes(before, after, { mostRequests: 40 });
    assert.deepEqual([diff.cut, diff.weaker], [true, true]);
  });
});

describe('The text', () => {
  it('says what each request meets before and after', async () => {
    const before = orders([any(basic, key), { authorize: { groups: ['staff'] } }]);
    const after = {
      ...orders([]),
      ping: { match: { paths: ['/ping'], headers: { 'x-a': "it's" } }, respond: {}, policies: [key] },
    };
    const diff = await diffOutcomes(await configOf(before), await configOf(after));
    assert.equal(
      outcomeDiffText(diff),
      `newly public: weaker
  GET https://example.com/orders/any
    before  orders: basic or api-key; group staff; service orders at /orders/any
    after   orders: public; service orders at /orders/any

newly reachable
  GET https://example.com/ping -H 'x-a: it'\\''s'
    before  404, no route
    after   ping: api-key; answer 200, made here

An authentication gets weaker. (6 requests tried)
`,
    );
  });

  it('tells answers apart that read alike', async () => {
    const at = (url: string) => configOf(orders([]), { services: { orders: { url } } });
    const text = outcomeDiffText(await diffOutcomes(await at('http://a:80'), await at('http://b:80')));
    assert.match(text, /before {2}orders: public; service orders at \/orders\/any, http:\/\/a:80\n/);
    assert.match(text, /after {3}orders: public; service orders at \/orders\/any, http:\/\/b:80\n/);
  });

  it('says whose pages may read an answer, where copies go, and whose certificate is not checked', async () => {
    const services = {
      orders: { url: 'https://orders', tls: { verify: false } },
      billing: { url: 'http://billing:80' },
    };
    const cors = { cors: { origins: ['https://app.test', 'https://*.b.test'], credentials: true } };
    const after = orders([cors], { mirror: { service: 'billing' } });
    const text = outcomeDiffText(
      await diffOutcomes(await configOf(orders([])), await configOf(after, { services })),
    );
    assert.equal(
      text,
      `other pages: weaker
  ${EXAMPLE}
    before  orders: public; service orders at /orders/any; pages that the service lets in
    after   orders: public; service orders at /orders/any, copied to billing; pages of https://app.test, https://*.b.test with credentials

another destination
  ${EXAMPLE}
    before  orders: public; service orders at /orders/any
    after   orders: public; service orders at /orders/any, copied to billing

An authentication gets weaker. (4 requests tried)
`,
    );
    const unchecked = await diffOutcomes(
      await configOf(orders([]), { services: { orders: { url: 'https://orders' } } }),
      await configOf(orders([]), { services: { orders: services.orders } }),
    );
    assert.match(
      outcomeDiffText(unchecked),
      /after {3}.* at \/orders\/any, https:\/\/orders, whatever its certificate\n/,
    );
  });

  it('is that of the documentation', async () => {
    const page = readFileSync(new URL('../../../docs/outcomes.md', import.meta.url), 'utf8');
    const [before, after] = await Promise.all(
      Array.from(page.matchAll(/```yaml\n([\s\S]*?)```/g), ([, text]) =>
        configFrom('/configuration.yaml', text ?? ''),
      ),
    );
    assert.ok(before && after);
    const [, shown] = /```text\n([\s\S]*?)```/.exec(page) ?? [];
    assert.equal(outcomeDiffText(await diffOutcomes(before, after)), shown);
  });

  it('says that nothing changes', async () => {
    const same = await configOf(orders([basic]));
    assert.equal(
      outcomeDiffText(await diffOutcomes(same, same)),
      'No request changes its outcome (0 requests tried).\n',
    );
  });

  it('holds no secret', async () => {
    const jwtOf = (secret: string) =>
      orders([{ jwt: { issuers: [{ issuer: 'a', secret }], anyAudience: true } }]);
    const diff = await diffOutcomes(
      await configOf(jwtOf('first-secret-of-32-characters-0123')),
      await configOf(jwtOf('other-secret-of-32-characters-0123')),
    );
    assert.equal(diff.changes.length, 1);
    assert.doesNotMatch(JSON.stringify(diff) + outcomeDiffText(diff), /secret-of/);
  });
});
