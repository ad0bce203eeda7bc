import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileRouter } from './compile.ts';
import { requestOf, routesOf } from './random-routes.support.ts';
import type { RoutedRequest } from './types.ts';

type Routes = Parameters<typeof routesOf>[0];

function routerOf(routes: Routes) {
  return compileRouter(routesOf(routes).map((route) => ({ ...route, value: route.name })));
}

/** The name of the route that wins and what it captured: `users id=7`. */
function outcome(routes: Routes, request: RoutedRequest): string {
  const captures: string[] = [];
  const entry = routerOf(routes).match(request, captures);
  if (entry === undefined) return 'none';
  return [entry.name, ...entry.captureNames.map((name, index) => `${name}=${captures[index]}`)].join(' ');
}

function holds(
  routes: Routes,
  table: readonly [line: string, expected: string, headers?: Record<string, string>][],
): void {
  for (const [line, expected, headers] of table) {
    const shown = headers === undefined ? line : `${line} with ${JSON.stringify(headers)}`;
    it(`${shown} goes to ${expected}`, () =>
      assert.equal(outcome(routes, requestOf(line, headers)), expected));
  }
}

describe('paths', () => {
  holds(
    {
      exact: { match: { paths: ['/a'] } },
      slash: { match: { paths: ['/a/'] } },
      api: { match: { paths: ['/api/*'] } },
      user: { match: { paths: ['/users/{id}'] } },
      files: { match: { paths: ['/users/{id}/files/*'] } },
      encoded: { match: { paths: ['/a%2Fb'] } },
    },
    [
      ['GET http://h/a', 'exact'],
      ['GET http://h/a/', 'slash'],
      ['GET http://h/A', 'none'],
      ['GET http://h/a/b', 'none'],
      ['GET http://h/a%2Fb', 'encoded'],
      ['GET http://h/api', 'api *='],
      ['GET http://h/api/', 'api *=/'],
      ['GET http://h/api/x/y/', 'api *=/x/y/'],
      ['GET http://h/apix', 'none'],
      ['GET http://h/users/7', 'user id=7'],
      ['GET http://h/users/a%2Fb', 'user id=a%2Fb'],
      ['GET http://h/users/', 'none'],
      ['GET http://h/users/7/', 'none'],
      ['GET http://h/users/7/files', 'files id=7 *='],
      ['GET http://h/users/7/files/a/b', 'files id=7 *=/a/b'],
      ['GET http://h/', 'none'],
    ],
  );
});

describe('hosts', () => {
  holds(
    {
      exact: { match: { hosts: ['api.example.com'] } },
      longer: { match: { hosts: ['*.api.example.com'] } },
      shorter: { match: { hosts: ['*.example.com'] } },
      any: { match: {} },
    },
    [
      ['GET http://api.example.com/', 'exact'],
      ['GET http://api.example.com:8080/', 'exact'],
      ['GET http://v1.api.example.com/', 'longer'],
      ['GET http://a.v1.api.example.com/', 'longer'],
      ['GET http://www.example.com/', 'shorter'],
      ['GET http://example.com/', 'any'],
      ['GET http://xexample.com/', 'any'],
      ['GET http://.example.com/', 'any'],
    ],
  );

  it('a long hostile host is looked at only as far as some configured host is long', () => {
    const router = routerOf({ only: { match: { hosts: ['*.example.com'] } } });
    const host = `${'a.'.repeat(100_000)}example.com`;
    assert.equal(router.match({ ...requestOf('GET http://h/'), host }, [])?.name, 'only');
    assert.equal(router.match({ ...requestOf('GET http://h/'), host: `${host}.` }, []), undefined);
  });
});

describe('precedence: each rule alone decides, in this order', () => {
  const cases: {
    title: string;
    routes: Routes;
    table: [line: string, expected: string, headers?: Record<string, string>][];
  }[] = [
    {
      title: 'priority before everything',
      routes: {
        specific: { match: { hosts: ['a.test'], paths: ['/a'], methods: ['GET'] } },
        wide: { match: { paths: ['/*'] }, priority: 1 },
      },
      table: [['GET http://a.test/a', 'wide *=/a']],
    },
    {
      title: 'an exact host before a better path',
      routes: {
        path: { match: { hosts: ['*.test'], paths: ['/a'] } },
        host: { match: { hosts: ['a.test'] } },
      },
      table: [['GET http://a.test/a', 'host']],
    },
    {
      title: 'an exact path before a prefix, captures or not',
      routes: { prefix: { match: { paths: ['/a/b/*'] } }, exact: { match: { paths: ['/{x}/{y}'] } } },
      table: [['GET http://h/a/b', 'exact x=a y=b']],
    },
    {
      title: 'the longer prefix, captures or not',
      routes: {
        short: { match: { paths: ['/a/*'] } },
        long: { match: { paths: ['/{x}/{y}/*'] } },
        all: { match: { paths: ['/*'] } },
      },
      table: [
        ['GET http://h/a/b/c', 'long x=a y=b *=/c'],
        ['GET http://h/a', 'short *='],
        ['GET http://h/b', 'all *=/b'],
      ],
    },
    {
      title: 'a literal before a capture, at the first place where they differ',
      routes: {
        early: { match: { paths: ['/a/{y}/{z}'] } },
        late: { match: { paths: ['/{x}/b/c'] } },
        literal: { match: { paths: ['/a/b/d'] } },
      },
      table: [
        ['GET http://h/a/b/c', 'early y=b z=c'],
        ['GET http://h/a/b/d', 'literal'],
        ['GET http://h/x/b/c', 'late x=x'],
      ],
    },
    {
      title: 'any path last',
      routes: { none: { match: { methods: ['GET'] } }, all: { match: { paths: ['/*'] } } },
      table: [['GET http://h/a', 'all *=/a']],
    },
    {
      title: 'a named method before more headers',
      routes: {
        headers: { match: { headers: { x: '1', y: '1' } } },
        method: { match: { methods: ['GET'] } },
      },
      table: [
        ['GET http://h/', 'method', { x: '1', y: '1' }],
        ['PUT http://h/', 'headers', { x: '1', y: '1' }],
      ],
    },
    {
      title: 'more headers before more query parameters',
      routes: { query: { match: { query: { p: '1', q: '1' } } }, header: { match: { headers: { x: '1' } } } },
      table: [
        ['GET http://h/?p=1&q=1', 'header', { x: '1' }],
        ['GET http://h/?p=1&q=1', 'query'],
      ],
    },
    {
      title: 'more query parameters before a protocol',
      routes: { protocol: { match: { protocols: ['https'] } }, query: { match: { query: { p: '1' } } } },
      table: [
        ['GET https://h/?p=1', 'query'],
        ['GET https://h/', 'protocol'],
        ['GET http://h/', 'none'],
      ],
    },
  ];
  for (const { title, routes, table } of cases) {
    describe(title, () => holds(routes, table));
    // The order of the file must not matter.
    describe(`${title}, in the other order`, () =>
      holds(Object.fromEntries(Object.entries(routes).reverse()), table));
  }
});

describe('when a more specific route fails, the next is asked', () => {
  holds(
    {
      host: { match: { hosts: ['a.test'], paths: ['/a/b'], methods: ['POST'] } },
      exact: { match: { paths: ['/a/b'], headers: { x: '1' } } },
      capture: { match: { paths: ['/a/{y}'], query: { q: '1' } } },
      prefix: { match: { paths: ['/a/*'], protocols: ['https'] } },
      all: { match: { paths: ['/*'] } },
    },
    [
      ['POST http://a.test/a/b', 'host'],
      ['GET http://a.test/a/b', 'exact', { x: '1' }],
      ['GET http://a.test/a/b?q=1', 'capture y=b'],
      ['GET https://a.test/a/b', 'prefix *=/b'],
      ['GET http://a.test/a/b', 'all *=/a/b'],
    ],
  );
});

describe('HEAD', () => {
  describe('follows GET', () => {
    holds({ get: { match: { methods: ['GET'] } }, any: { match: {} } }, [
      ['HEAD http://h/', 'get'],
      ['PUT http://h/', 'any'],
    ]);
  });
  describe('goes to the route that names it, where hosts and paths are the same', () => {
    holds(
      {
        get: { match: { paths: ['/a'], methods: ['GET'], headers: { x: '1' } } },
        head: { match: { paths: ['/a'], methods: ['HEAD'] } },
      },
      [
        ['HEAD http://h/a', 'head', { x: '1' }],
        ['GET http://h/a', 'get', { x: '1' }],
      ],
    );
  });
  describe('a more specific GET goes before', () => {
    holds(
      {
        get: { match: { paths: ['/a'], methods: ['GET'] } },
        head: { match: { paths: ['/*'], methods: ['HEAD'] } },
      },
      [
        ['HEAD http://h/a', 'get'],
        ['HEAD http://h/b', 'head *=/b'],
      ],
    );
  });
});

describe('headers and query', () => {
  holds(
    {
      prefix: { match: { paths: ['/p'], headers: { x: { prefix: 'ab' } } } },
      present: { match: { paths: ['/q'], headers: { x: { present: true } } } },
      absent: { match: { paths: ['/n'], headers: { x: { present: false } } } },
      query: { match: { paths: ['/s'], query: { name: 'a b' } } },
      empty: { match: { paths: ['/e'], query: { name: '' } } },
    },
    [
      ['GET http://h/p', 'prefix', { X: 'abc' }],
      ['GET http://h/p', 'none', { X: 'b' }],
      ['GET http://h/q', 'present', { x: '' }],
      ['GET http://h/q', 'none'],
      ['GET http://h/n', 'absent'],
      ['GET http://h/n', 'none', { x: '' }],
      ['GET http://h/s?name=a+b', 'query'],
      ['GET http://h/s?other=1&n%61me=a%20b', 'query'],
      ['GET http://h/s?name=x&name=a+b', 'none'],
      ['GET http://h/e?name', 'empty'],
      ['GET http://h/e?name=', 'empty'],
      ['GET http://h/e?names', 'none'],
    ],
  );
});

describe('allowedMethods', () => {
  const router = routerOf({
    list: { match: { paths: ['/a'], methods: ['GET'] } },
    create: { match: { paths: ['/a'], methods: ['POST'], headers: { x: '1' } } },
    wide: { match: { paths: ['/*'], methods: ['DELETE', 'GET'] } },
    other: { match: { hosts: ['other.test'], methods: ['PATCH'] } },
  });
  const table: [line: string, allowed: string[], headers?: Record<string, string>][] = [
    ['PUT http://h/a', ['DELETE', 'GET', 'HEAD']],
    ['PUT http://h/a', ['DELETE', 'GET', 'HEAD', 'POST'], { x: '1' }],
    ['OPTIONS http://other.test/x', ['DELETE', 'GET', 'HEAD', 'PATCH']],
  ];
  for (const [line, allowed, headers] of table) {
    it(`${line} could be ${allowed.join(', ')}${headers ? ' with its header' : ''}`, () => {
      const request = requestOf(line, headers);
      assert.equal(router.match(request, []), undefined);
      assert.deepEqual(router.allowedMethods(request), allowed);
    });
  }

  it('is empty where no method would help: 404', () => {
    const strict = routerOf({ one: { match: { paths: ['/a'], methods: ['GET'] } } });
    assert.deepEqual(strict.allowedMethods(requestOf('PUT http://h/b')), []);
  });
});

describe('a router', () => {
  it('gives the value and the pattern of the path that won', () => {
    const router = routerOf({ users: { match: { paths: ['/people', '/users/{id}'] } } });
    assert.deepEqual(router.match(requestOf('GET http://h/users/7'), []), {
      name: 'users',
      value: 'users',
      pattern: '/users/{id}',
      captureNames: ['id'],
    });
  });

  it('without routes finds nothing', () => {
    const router = routerOf({});
    assert.equal(router.match(requestOf('GET http://h/'), []), undefined);
    assert.deepEqual(router.allowedMethods(requestOf('GET http://h/')), []);
  });

  it('takes no target that is not a path', () => {
    const router = routerOf({ any: { match: {} } });
    assert.equal(router.match({ ...requestOf('OPTIONS http://h/'), path: '*' }, []), undefined);
  });

  it('cannot be made with a bad path', () => {
    assert.throws(() => routerOf({ bad: { match: { paths: ['/a*'] } } }), {
      message: 'route bad: /a*: * may only stand at the end, as /*; use {name} for one segment',
    });
  });
});
