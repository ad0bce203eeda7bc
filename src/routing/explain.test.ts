import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from './explain.ts';
import { requestOf, routesOf } from './random-routes.support.ts';

const routes = routesOf({
  host: { match: { hosts: ['other.test', '*.other.test'] } },
  path: { match: { paths: ['/orders/*'] } },
  protocol: { match: { paths: ['/users/{id}'], protocols: ['https'] } },
  header: { match: { paths: ['/users/{id}'], headers: { 'x-tenant': 'blue' } } },
  query: { match: { paths: ['/users/{id}'], query: { v: { prefix: '2' } } } },
  method: { match: { paths: ['/users/{id}'], methods: ['POST'] } },
  user: { match: { paths: ['/users/{id}'] } },
  all: { match: { paths: ['/*'] } },
});

describe('explain', () => {
  it('tells the winner with its captures and why each other lost', () => {
    const request = requestOf('GET http://a.test/users/7?v=1&token=hunter2', { 'x-tenant': 'secret' });
    assert.deepEqual(explain(routes, request), {
      status: 'matched',
      winner: { route: 'user', pattern: '/users/{id}', captures: { id: '7' } },
      losers: [
        {
          route: 'host',
          reason: 'host',
          detail: 'the host is a.test, the route is for other.test, *.other.test',
        },
        { route: 'path', reason: 'path', detail: 'the path is /users/7, the route is for /orders/*' },
        { route: 'protocol', reason: 'protocol', detail: 'the request came by http, the route is for https' },
        { route: 'header', reason: 'header', detail: 'header x-tenant must be "blue"; it has another value' },
        {
          route: 'query',
          reason: 'query',
          detail: 'query parameter v must begin with "2"; it has another value',
        },
        { route: 'method', reason: 'method', detail: 'the method is GET, the route is for POST' },
        {
          route: 'all',
          reason: 'precedence',
          detail: 'it matches too, but user goes before it: path /users/{id} is more specific than /*',
        },
      ],
      allow: [],
    });
  });

  it('never shows the value of a header or of the query that was sent', () => {
    const request = requestOf('GET http://a.test/users/7?v=hunter2', { 'x-tenant': 'secret' });
    assert.doesNotMatch(JSON.stringify(explain(routes, request)), /hunter2|secret/);
  });

  it('does not show either what a route wants of a field or parameter that carries a secret', () => {
    const guarded = routesOf({
      field: { match: { paths: ['/a'], headers: { authorization: 'Basic hunter2' } } },
      parameter: { match: { paths: ['/a'], query: { token: { prefix: 'hunter2' } } } },
    });
    const { losers } = explain(guarded, requestOf('GET http://a.test/a'));
    assert.deepEqual(
      losers.map(({ detail }) => detail),
      [
        'header authorization must be what the configuration says; it is not there',
        'query parameter token must begin with what the configuration says; it is not there',
      ],
    );
  });

  it('tells what is allowed when only the method differs', () => {
    const only = routesOf({
      list: { match: { paths: ['/a'], methods: ['GET'] } },
      other: { match: { paths: ['/b'] } },
    });
    const explanation = explain(only, requestOf('PUT http://h/a'));
    assert.equal(explanation.status, 'method_not_allowed');
    assert.deepEqual(explanation.allow, ['GET', 'HEAD']);
    assert.equal(explanation.winner, undefined);
    assert.deepEqual(
      explanation.losers.map(({ reason }) => reason),
      ['method', 'path'],
    );
  });

  it('takes a preflight to the route of the method that it asks for, where no route takes OPTIONS', () => {
    const methods = routesOf({
      read: { match: { paths: ['/a'], methods: ['GET'] } },
      write: { match: { paths: ['/a'], methods: ['PUT'] } },
    });
    const asking = { Origin: 'https://app.test', 'Access-Control-Request-Method': 'PUT' };
    assert.deepEqual(explain(methods, requestOf('OPTIONS http://h/a', asking)), {
      status: 'matched',
      winner: { route: 'write', pattern: '/a', captures: {}, preflightFor: 'PUT' },
      losers: [{ route: 'read', reason: 'method', detail: 'the method is PUT, the route is for GET' }],
      allow: [],
    });
  });

  it('takes a preflight to a route that takes OPTIONS itself', () => {
    const any = routesOf({
      all: { match: { paths: ['/*'] } },
      write: { match: { paths: ['/a'], methods: ['PUT'] } },
    });
    const asking = { Origin: 'https://app.test', 'Access-Control-Request-Method': 'PUT' };
    const { winner } = explain(any, requestOf('OPTIONS http://h/a', asking));
    assert.deepEqual(winner, { route: 'all', pattern: '/*', captures: { '*': '/a' } });
  });

  const otherwise: [title: string, method: string, headers: Record<string, string>][] = [
    ['no Origin', 'OPTIONS', { 'Access-Control-Request-Method': 'PUT' }],
    ['no method that it asks for', 'OPTIONS', { Origin: 'https://app.test' }],
    ['another method', 'GET', { Origin: 'https://app.test', 'Access-Control-Request-Method': 'PUT' }],
    [
      'no route for the method',
      'OPTIONS',
      { Origin: 'https://app.test', 'Access-Control-Request-Method': 'POST' },
    ],
  ];
  for (const [title, method, headers] of otherwise) {
    it(`finds no route by a preflight with ${title}`, () => {
      const only = routesOf({ write: { match: { paths: ['/a'], methods: ['PUT'] } } });
      const explanation = explain(only, requestOf(`${method} http://h/a`, headers));
      assert.equal(explanation.status, 'method_not_allowed');
      assert.deepEqual(explanation.allow, ['PUT']);
    });
  }

  it('tells when there is no route', () => {
    const explanation = explain(routesOf({ a: { match: { paths: ['/a'] } } }), requestOf('GET http://h/b'));
    assert.equal(explanation.status, 'not_found');
  });

  it('keeps captures with odd names apart from what every object has', () => {
    const odd = routesOf({ odd: { match: { paths: ['/{__proto__}'] } } });
    const { winner } = explain(odd, requestOf('GET http://h/x'));
    assert.deepEqual(Object.entries(winner?.captures ?? {}), [['__proto__', 'x']]);
  });

  const decided: [title: string, winner: object, loser: object, detail: string][] = [
    ['priority', { match: {}, priority: 5 }, { match: { paths: ['/a'] } }, 'priority 5 is above 0'],
    ['host', { match: { hosts: ['*.test'] } }, { match: {} }, 'host *.test is more specific than any host'],
    ['path', { match: { paths: ['/*'] } }, { match: {} }, 'path /* is more specific than any path'],
    ['method', { match: { methods: ['GET'] } }, { match: {} }, 'it names the method, here any will do'],
    [
      'header',
      { match: { headers: { x: '1' } } },
      { match: { query: { p: '1' } } },
      'it matches 1 header, not 0',
    ],
    ['query', { match: { query: { p: '1' } } }, { match: {} }, 'it matches 1 query parameter, not 0'],
    ['protocol', { match: { protocols: ['http'] } }, { match: {} }, 'it is for http, not for any protocol'],
  ];
  for (const [title, winner, loser, why] of decided) {
    it(`names the rule that decided: ${title}`, () => {
      const two = routesOf({ loser: { ...loser }, winner: { ...winner } });
      const explanation = explain(two, requestOf('GET http://a.test/a?p=1', { x: '1' }));
      const detail = `it matches too, but winner goes before it: ${why}`;
      assert.deepEqual(explanation.losers, [{ route: 'loser', reason: 'precedence', detail }]);
    });
  }

  it('tells a tie, which the check refuses', () => {
    const two = routesOf({ first: { match: {} }, second: { match: {} } });
    const [loser] = explain(two, requestOf('GET http://h/')).losers;
    assert.equal(loser?.detail, 'it ties with first, which stands before it in the configuration');
  });
});
