import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkRoutes, type RouteProblem } from './check.ts';
import { routesOf } from './random-routes.support.ts';

type Routes = Parameters<typeof routesOf>[0];

function problemsOf(routes: Routes): RouteProblem[] {
  return checkRoutes(routesOf(routes));
}

describe('routes without a problem', () => {
  const table: [title: string, routes: Routes][] = [
    ['none at all', {}],
    ['a fallback behind specific routes', { a: { match: { paths: ['/a'] } }, all: { match: {} } }],
    [
      'the same path with different methods',
      { a: { match: { methods: ['GET'] } }, b: { match: { methods: ['POST'] } } },
    ],
    [
      'different values of a header',
      { a: { match: { headers: { x: '1' } } }, b: { match: { headers: { x: '2' } } } },
    ],
    [
      'prefixes that exclude each other',
      { a: { match: { query: { q: { prefix: 'a' } } } }, b: { match: { query: { q: { prefix: 'b' } } } } },
    ],
    ['GET and HEAD apart', { a: { match: { methods: ['GET'] } }, b: { match: { methods: ['HEAD'] } } }],
    ['different priorities', { a: { match: {}, priority: 1 }, b: { match: { paths: ['/x'] }, priority: 2 } }],
    [
      'a capture behind a literal',
      { a: { match: { paths: ['/a/b'] } }, b: { match: { paths: ['/a/{x}'] } } },
    ],
    [
      'a slash at the end',
      { a: { match: { paths: ['/{x}'] }, priority: 1 }, b: { match: { paths: ['/a/'] } } },
    ],
    [
      'a rewrite with captures of every path',
      { a: { match: { paths: ['/a/{x}/*', '/{x}/*'] }, rewrite: { path: '/{x}/*' } } },
    ],
  ];
  for (const [title, routes] of table) it(title, () => assert.deepEqual(problemsOf(routes), []));
});

describe('errors of one route', () => {
  const table: [title: string, route: Routes[string], path: (string | number)[], message: string][] = [
    [
      'a bad path',
      { match: { paths: ['/a', '/b*'] } },
      ['match', 'paths', 1],
      '/b*: * may only stand at the end, as /*; use {name} for one segment',
    ],
    [
      'a name captured twice',
      { match: { paths: ['/{a}/{a}'] } },
      ['match', 'paths', 0],
      '/{a}/{a}: {a} is captured twice',
    ],
    [
      'a rewrite that uses a capture which one path lacks',
      { match: { paths: ['/a/{x}', '/b'] }, rewrite: { path: '/{x}' } },
      ['rewrite', 'path'],
      '/{x}: uses {x}, but the path /b has none',
    ],
    [
      'a rewrite with /* of an exact path',
      { match: { paths: ['/a'] }, rewrite: { path: '/v2/*' } },
      ['rewrite', 'path'],
      '/v2/*: uses /*, but the path /a has none',
    ],
    [
      'a redirect with captures of a route without paths',
      { match: {}, redirect: { path: '/v2/*' } },
      ['redirect', 'path'],
      '/v2/*: uses /*, but the route has no paths; give it the path /*',
    ],
    [
      'a prefix that a path does not begin with',
      { match: { paths: ['/a', '/ab'] }, rewrite: { stripPrefix: '/a' } },
      ['rewrite', 'stripPrefix'],
      'the path /ab does not begin so',
    ],
    [
      'a prefix of a route without paths',
      { match: {}, rewrite: { stripPrefix: '/a' } },
      ['rewrite', 'stripPrefix'],
      'the route has no paths; give it the path /a/*',
    ],
    [
      'a prefix beside a path',
      { match: { paths: ['/a/*'] }, rewrite: { stripPrefix: '/a', path: '/b' } },
      ['rewrite', 'stripPrefix'],
      'does not go with `path`: the path is rewritten in one way',
    ],
    [
      'a rewrite that is not normalised',
      { match: {}, rewrite: { path: '/a/../b' } },
      ['rewrite', 'path'],
      '/a/../b: paths are sent in normalised form: write /b',
    ],
    [
      'a split that can pick nothing',
      {
        match: {},
        split: [
          { service: 'a', weight: 0 },
          { service: 'b', weight: 0 },
        ],
      },
      ['split'],
      'no service has a weight above 0',
    ],
  ];
  for (const [title, route, path, message] of table) {
    it(title, () =>
      assert.deepEqual(problemsOf({ r: route }), [{ severity: 'error', route: 'r', path, message }]),
    );
  }

  it('a path twice in one route is a warning', () => {
    assert.deepEqual(problemsOf({ r: { match: { paths: ['/{a}/x/*', '/{b}/x/*'] } } }), [
      {
        severity: 'warning',
        route: 'r',
        path: ['match', 'paths', 1],
        message: '/{b}/x/* takes the same requests as /{a}/x/* of the same route and is never used',
      },
    ]);
  });
});

describe('routes that tie', () => {
  const table: [title: string, first: object, second: object, example: string][] = [
    ['the same match', { paths: ['/a'] }, { paths: ['/a'] }, 'GET https://example.com/a'],
    [
      'captures with other names',
      { paths: ['/a/{x}'] },
      { paths: ['/a/{y}'] },
      'GET https://example.com/a/any',
    ],
    [
      'methods in common',
      { methods: ['PUT', 'POST'] },
      { methods: ['POST', 'PATCH'] },
      'POST https://example.com/any',
    ],
    [
      'one of several hosts',
      { hosts: ['a.test', '*.b.test'] },
      { hosts: ['*.b.test'] },
      'GET https://any.b.test/any',
    ],
    [
      'as many headers, but others',
      { paths: ['/a/*'], headers: { x: '1' } },
      { paths: ['/a/*'], headers: { y: { prefix: "it's" } } },
      "GET https://example.com/a/any -H 'x: 1' -H 'y: it'\\''s'",
    ],
    [
      'a prefix and a value that begins with it',
      { query: { q: { prefix: 'a' } } },
      { query: { q: 'a b' } },
      'GET https://example.com/any?q=a+b',
    ],
    [
      'protocols in common',
      { protocols: ['http', 'https'] },
      { protocols: ['http'] },
      'GET http://example.com/any',
    ],
  ];
  for (const [title, first, second, example] of table) {
    it(title, () => {
      assert.deepEqual(problemsOf({ first: { match: first }, second: { match: second } }), [
        {
          severity: 'error',
          route: 'second',
          path: ['match'],
          message:
            'ties with first: both match, and nothing says which goes first. Give one of them a priority',
          other: 'first',
          example,
        },
      ]);
    });
  }
});

describe('routes that can never match', () => {
  const table: [title: string, routes: Routes, by: string, rule: string, example: string][] = [
    [
      'a higher priority takes everything',
      {
        all: { match: { paths: ['/*'] }, priority: 1 },
        lost: { match: { hosts: ['a.test'], paths: ['/a/{x}'] } },
      },
      'all takes',
      'priority',
      'GET https://a.test/a/any',
    ],
    [
      '/* takes every path',
      { all: { match: { paths: ['/*'] } }, lost: { match: {} } },
      'all takes',
      'path',
      'GET https://example.com/any',
    ],
    [
      'a wider host with a higher priority',
      { wide: { match: { hosts: ['*.test'] }, priority: 1 }, lost: { match: { hosts: ['*.a.test'] } } },
      'wide takes',
      'priority',
      'GET https://any.a.test/any',
    ],
    [
      'both protocols named',
      {
        both: { match: { paths: ['/a'], protocols: ['http', 'https'] } },
        lost: { match: { paths: ['/a'] } },
      },
      'both takes',
      'protocol',
      'GET https://example.com/a',
    ],
    [
      'several routes together, by method',
      {
        get: { match: { paths: ['/*'], methods: ['GET'] }, priority: 1 },
        post: { match: { paths: ['/a/*'], methods: ['POST', 'PUT'] }, priority: 1 },
        lost: { match: { paths: ['/a/{x}'], methods: ['GET', 'POST'] } },
      },
      'get, post take',
      'priority',
      'GET https://example.com/a/any',
    ],
    [
      'a wider condition with a higher priority',
      {
        wide: { match: { headers: { x: { present: true } } }, priority: 1 },
        lost: { match: { headers: { x: 'a' }, query: { q: '1' } } },
      },
      'wide takes',
      'priority',
      "GET https://example.com/any?q=1 -H 'x: a'",
    ],
  ];
  for (const [title, routes, by, rule, example] of table) {
    it(title, () => {
      const other = by.split(/[ ,]/)[0];
      assert.deepEqual(problemsOf(routes), [
        {
          severity: 'warning',
          route: 'lost',
          path: ['match'],
          message: `can never match: ${by} every request that it could, by the rule of ${rule}`,
          other,
          example,
        },
      ]);
    });
  }
});

describe('many routes on one path, told apart by a header', () => {
  const tenants = (extra: Routes): Routes => ({
    ...Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [
        `t${index}`,
        { match: { paths: ['/a'], headers: { 'x-app': 'one', 'x-tenant': `${index}` } } },
      ]),
    ),
    ...extra,
  });

  it('are no problem', () => assert.deepEqual(problemsOf(tenants({})), []));

  it('a tie among them is found by the value they share', () => {
    const problems = problemsOf(
      tenants({ again: { match: { paths: ['/a'], headers: { 'x-tenant': '77', 'x-app': 'one' } } } }),
    );
    assert.deepEqual(
      problems.map(({ route, other }) => [route, other]),
      [['again', 't77']],
    );
  });

  it('one that is hidden is found although no request can have its value', () => {
    const impossible = { paths: ['/a'], headers: { 'x-tenant': 'a\r\nb' } };
    const problems = problemsOf(
      tenants({
        first: { match: impossible, priority: 1 },
        second: { match: { ...impossible, methods: ['GET'] } },
      }),
    );
    assert.deepEqual(
      problems.map(({ route, other, example }) => [route, other, example]),
      [['second', 'first', "GET https://example.com/a -H 'x-tenant: a\r\nb'"]],
    );
  });

  it('a tie with one that asks for another header is found', () => {
    const problems = problemsOf(
      tenants({ odd: { match: { paths: ['/a'], headers: { 'x-b': '1', 'x-c': '1' } } } }),
    );
    assert.deepEqual(
      problems.map(({ route, other }) => [route, other]),
      [['odd', 't0']],
    );
  });

  it('one that is hidden by a wider one is found', () => {
    const wide = { match: { paths: ['/a'], headers: { 'x-tenant': '77' } }, priority: 1 };
    assert.deepEqual(
      problemsOf(tenants({ wide })).map(({ route, other }) => [route, other]),
      [['t77', 'wide']],
    );
  });
});
