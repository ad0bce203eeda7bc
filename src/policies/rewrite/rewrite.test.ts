import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exchangeFor, type RequestDescription, runPolicies } from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';
import { hasDotSegment } from './path.ts';

const compile = (options: unknown) =>
  compilePolicies([{ name: 'rewrite', options }], { route: 'r', warn: () => {}, policyEvent: () => {} });

const PATHS: readonly (readonly [options: object, path: string, expected: string])[] = [
  [{ stripPrefix: '/api' }, '/api/users', '/users'],
  [{ stripPrefix: '/api/' }, '/api/users', '/users'],
  [{ stripPrefix: '/api' }, '/api', '/'],
  [{ stripPrefix: '/api' }, '/api/', '/'],
  [{ stripPrefix: '/api' }, '/apix/users', '/apix/users'],
  [{ stripPrefix: '/api' }, '/v1/api/users', '/v1/api/users'],
  [{ stripPrefix: '/api' }, '/api//evil.com', '/evil.com'],
  [{ stripPrefix: '/api' }, '/api/a%2Fb/raw', '/a%2Fb/raw'],
  [{ stripPrefix: '/' }, '/users', '/users'],
  [{ replacePrefix: { from: '/v1', to: '/v2' } }, '/v1/users', '/v2/users'],
  [{ replacePrefix: { from: '/v1', to: '/v2/' } }, '/v1', '/v2'],
  [{ replacePrefix: { from: '/v1', to: '/' } }, '/v1/users', '/users'],
  [{ replacePrefix: { from: '/', to: '/v2' } }, '/users', '/v2/users'],
  [{ replacePrefix: { from: '/v1', to: '/v2' } }, '/v10/users', '/v10/users'],
  [{ path: '/fixed' }, '/any', '/fixed'],
  [{ path: '/people/${path.id}/x' }, '/users/7', '/people/a%2Fb/x'],
  [{ path: '${request.path}/x' }, '/a/b', '/a/b/x'],
  [{ path: '/x${request.path}' }, '/a%2Fb', '/x/a%2Fb'],
  [{ path: '/by/${header.x-name}' }, '/', '/by/a%2F..%2F%3Fb%20c'],
];

for (const [options, path, expected] of PATHS) {
  test(`${JSON.stringify(options)} sends ${path} as ${expected}`, async () => {
    const exchange = exchangeFor({
      url: `${path}?q=1`,
      params: { id: 'a%2Fb' },
      headers: { 'x-name': 'a/../?b c' },
    });
    assert.equal(await runPolicies(await compile(options), exchange), undefined);
    assert.equal(exchange.request.upstreamPath, expected);
    assert.equal(exchange.request.upstreamSearch, '?q=1');
    assert.equal(exchange.request.path, path, 'the path that was matched stays');
  });
}

for (const [template, request] of [
  ['/x/${query.p}', { url: '/?p=..' }],
  ['/x/${query.p}/y', { url: '/?p=%2e%2E' }],
  ['/x/${header.p}.', { headers: { p: '.' } }],
  ['/${header.p}', { headers: { p: '.' } }],
  ['/users/${query.id}/x', { url: '/?id=' }],
  ['/users/${path.id}/x', {}],
] satisfies readonly (readonly [string, RequestDescription])[]) {
  test(`${template} of ${JSON.stringify(request)} is refused: it would lead elsewhere`, async () => {
    const exchange = exchangeFor(request);
    const answer = await runPolicies(await compile({ path: template }), exchange);
    assert.deepEqual([answer?.status, answer?.code], [400, 'rewrite_refused']);
  });
}

const QUERIES: readonly (readonly [query: object, search: string, expected: string])[] = [
  [{ remove: ['token'] }, '?a=1&%74oken=x&token=y', '?a=1'],
  [{ remove: ['a'] }, '?a=1', ''],
  [{ remove: ['b'] }, '?a=%20+&&', '?a=%20+&&'],
  [{ set: { a: '2' } }, '?a=1&b=3&a=4', '?b=3&a=2'],
  [{ set: { 'a b': 'c d&e=é' } }, '', '?a%20b=c%20d%26e%3D%C3%A9'],
  [{ add: { a: '2' } }, '?a=1', '?a=1&a=2'],
  [{ set: { from: '${header.x}' } }, '', '?from=1%26admin%3D1'],
  [{ set: { id: '${path.id}', q: '${query.q}' } }, '?q=a+b%26', '?id=a%2Fb&q=a%20b%26'],
];

for (const [query, search, expected] of QUERIES) {
  test(`query ${JSON.stringify(query)} sends ${search} as ${expected}`, async () => {
    const exchange = exchangeFor({ url: `/${search}`, params: { id: 'a%2Fb' }, headers: { x: '1&admin=1' } });
    await runPolicies(await compile({ query }), exchange);
    assert.equal(exchange.request.upstreamSearch, expected);
    assert.equal(exchange.request.search, search, 'the query that was matched stays');
  });
}

for (const [host, request, expected] of [
  ['api.internal', {}, 'api.internal'],
  ['api.internal:8080', {}, 'api.internal:8080'],
  ['${path.tenant}.internal', { params: { tenant: 'blue' } }, 'blue.internal'],
  ['${request.host}', { url: 'http://[2001:db8::1]:80/' }, '[2001:db8::1]'],
  ['${path.tenant}.internal', { params: { tenant: 'evil.com%2F' } }, undefined],
  ['${header.x-host}', { headers: { 'x-host': 'a@b' } }, undefined],
  ['${header.x-host}', { headers: { 'x-host': 'a b' } }, undefined],
  ['${header.x-host}', {}, undefined],
] satisfies readonly (readonly [string, RequestDescription, string | undefined])[]) {
  test(`host ${host} of ${JSON.stringify(request)} is ${expected ?? 'refused'}`, async () => {
    const exchange = exchangeFor(request);
    const answer = await runPolicies(await compile({ host }), exchange);
    assert.equal(exchange.request.upstreamHost, expected);
    assert.equal(answer?.code, expected === undefined ? 'rewrite_refused' : undefined);
  });
}

for (const [from, to, expected] of [
  ['POST', 'PUT', 'PUT'],
  ['GET', 'QUERY', 'QUERY'],
  ['HEAD', 'GET', 'HEAD'],
] as const) {
  test(`method ${to} sends ${from} as ${expected}`, async () => {
    const exchange = exchangeFor({ method: from });
    await runPolicies(await compile({ method: to }), exchange);
    assert.equal(exchange.request.upstreamMethod, expected);
  });
}

for (const [options, path, message] of [
  [{}, '', 'there is nothing to rewrite'],
  [{ stripPrefix: '/a', path: '/b' }, 'path', 'cannot stand beside stripPrefix: choose one'],
  [{ stripPrefix: 'api' }, 'stripPrefix', 'is not a path: it begins with / and is percent-encoded'],
  [{ stripPrefix: '/a b' }, 'stripPrefix', 'is not a path: it begins with / and is percent-encoded'],
  [{ stripPrefix: '/a/../b' }, 'stripPrefix', 'has a dot segment'],
  [{ stripPrefix: '/a//b' }, 'stripPrefix', 'has two slashes in a row'],
  [{ path: 'a' }, 'path', 'is not a path: it begins with /'],
  [{ path: '${path.id}/a' }, 'path', 'is not a path: it begins with /'],
  [{ path: '/a?b=c' }, 'path', 'is not a path: it is percent-encoded and has no query'],
  [{ path: '/a b/${path.id}' }, 'path', 'is not a path: it is percent-encoded and has no query'],
  [{ path: '/a/%2e%2e/b' }, 'path', 'has a dot segment'],
  [{ path: '/${pth.id}' }, 'path', 'there is no variable pth.id (character 2): did you mean ${path.id}?'],
  [{ host: 'http://a' }, 'host', 'is not a host: write api.example.com or api.example.com:8080'],
  [{ method: 'CONNECT' }, 'method', 'cannot be CONNECT or TRACE: neither goes through a gateway'],
  [{ method: 'TRACE' }, 'method', 'cannot be CONNECT or TRACE: neither goes through a gateway'],
  [{ method: 'HEAD' }, 'method', 'cannot be HEAD: the client waits for the body that a HEAD has not'],
  [{ method: 'a b' }, 'method', 'is not a method'],
  [{ query: { set: { '': 'a' } } }, 'query.set.', 'is not the name of a parameter'],
] as const) {
  test(`${JSON.stringify(options)} is refused`, async () => {
    const problems = await validatePolicyUse({ name: 'rewrite', options });
    assert.deepEqual(
      problems.map((problem) => [problem.path.join('.'), problem.message]),
      [[path, message]],
    );
  });
}

test('whatever a request holds, the rewritten target is one path and one query', async () => {
  const policies = await compile({
    path: '/x/${query.p}/${header.h}${path.c}',
    query: { remove: ['p'], set: { h: '${header.h}', c: '${path.c}' } },
  });
  const octets = fc.string({
    unit: fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
  });
  const dots = fc.constantFrom('.', '..', '%2e', '%2E.', '/', '..%2F', '?', '#', '%00');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(octets, dots),
      fc.oneof(octets, dots),
      fc.oneof(octets, dots),
      async (p, h, c) => {
        const sent = p.replaceAll(/[^\x21-\x7e]|[#&]/g, (octet) => `%${octet.charCodeAt(0).toString(16)}`);
        const exchange = exchangeFor({
          url: `/?p=${sent}`,
          headers: { h },
          params: { c: c.replaceAll('/', '') },
        });
        const answer = await runPolicies(policies, exchange);
        if (answer) {
          assert.equal(answer.code, 'rewrite_refused');
          return;
        }
        const { upstreamPath, upstreamSearch } = exchange.request;
        assert.match(upstreamPath, /^\/x\/[^/?#\s]+\/[^/?#\s]+$/);
        assert.equal(hasDotSegment(upstreamPath), false);
        assert.match(upstreamPath + upstreamSearch, /^[\x21-\x7e]+$/);
        const parameters = new URLSearchParams(upstreamSearch);
        assert.deepEqual([...parameters.keys()], ['h', 'c']);
      },
    ),
    { numRuns: 500 },
  );
});
