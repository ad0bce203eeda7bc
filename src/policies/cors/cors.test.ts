import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  exchangeFor,
  type RequestDescription,
  runPolicies,
  type UpstreamAnswer,
} from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';
import type { PolicyUse } from '../use.ts';

const context = { route: 'r', warn: () => {}, policyEvent: () => {} };
const compile = (options: unknown, ...others: PolicyUse[]) =>
  compilePolicies([{ name: 'cors', options }, ...others], context);

const APP = 'https://app.example.com';
const PREFLIGHT = { Origin: APP, 'Access-Control-Request-Method': 'PUT' };
const METHODS = 'Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE';
const HEADERS = 'Access-Control-Allow-Headers: authorization, content-type';
const MAX_AGE = 'Access-Control-Max-Age: 300';
const VARY = 'Vary: Origin';
const ALLOW = `Access-Control-Allow-Origin: ${APP}`;

const ANSWERS: readonly (readonly [
  title: string,
  options: object,
  request: RequestDescription,
  status: number,
  lines: readonly string[],
  upstream?: UpstreamAnswer,
])[] = [
  [
    'an allowed origin may read the answer',
    { origins: [APP] },
    { headers: { Origin: APP } },
    200,
    [VARY, ALLOW],
  ],
  [
    'another origin may not, and the answer still varies',
    { origins: [APP] },
    { headers: { Origin: 'https://evil.com' } },
    200,
    [VARY],
  ],
  ['a request without Origin gets no permission, and the answer varies', { origins: [APP] }, {}, 200, [VARY]],
  [
    'any origin: the same answer for all, so that it does not vary',
    { origins: ['*'] },
    { headers: { Origin: APP } },
    200,
    ['Access-Control-Allow-Origin: *'],
  ],
  [
    'any origin: also without Origin, for caches',
    { origins: ['*'] },
    {},
    200,
    ['Access-Control-Allow-Origin: *'],
  ],
  [
    'any origin covers the null one',
    { origins: ['*'] },
    { headers: { Origin: 'null' } },
    200,
    ['Access-Control-Allow-Origin: *'],
  ],
  [
    'credentials are allowed with the origin',
    { origins: [APP], credentials: true },
    { headers: { Origin: APP } },
    200,
    [VARY, ALLOW, 'Access-Control-Allow-Credentials: true'],
  ],
  [
    'credentials are not allowed to another origin',
    { origins: [APP], credentials: true },
    { headers: { Origin: 'https://evil.com' } },
    200,
    [VARY],
  ],
  [
    'exposed fields are named',
    { origins: [APP], exposeHeaders: ['x-a', 'x-b'] },
    { headers: { Origin: APP } },
    200,
    [VARY, ALLOW, 'Access-Control-Expose-Headers: x-a, x-b'],
  ],
  [
    'Vary of the upstream is kept',
    { origins: [APP] },
    {},
    200,
    ['Vary: Accept, Origin'],
    { headers: { Vary: 'Accept' } },
  ],
  [
    'Vary of the upstream in several fields becomes one',
    { origins: [APP] },
    {},
    200,
    ['Vary: Accept, Cookie, Origin'],
    {
      headers: [
        ['Vary', 'Accept'],
        ['vary', 'Cookie'],
      ].map(([a, b]) => [a, b] as [string, string]),
    },
  ],
  [
    'Vary that names Origin already stays',
    { origins: [APP] },
    {},
    200,
    ['vary: accept,  origin'],
    { headers: { vary: 'accept,  origin' } },
  ],
  ['Vary on everything stays', { origins: [APP] }, {}, 200, ['Vary: *'], { headers: { Vary: '*' } }],
  [
    'Vary on a field whose name only holds the word',
    { origins: [APP] },
    {},
    200,
    ['Vary: X-Origin, Origin'],
    { headers: { Vary: 'X-Origin' } },
  ],
  [
    'fields of the upstream’s own do not reach the client',
    { origins: [APP] },
    { headers: { Origin: 'https://evil.com' } },
    200,
    ['X-A: 1', VARY],
    {
      headers: {
        'Access-Control-Allow-Origin': 'https://evil.com',
        'X-A': '1',
        'access-control-allow-credentials': 'true',
        'Access-Control-Allow-Methods': '*',
        'Access-Control-Allow-Headers': '*',
        'Access-Control-Expose-Headers': '*',
        'Access-Control-Max-Age': '1',
        'Access-Control-Allow-Private-Network': 'true',
      },
    },
  ],
  [
    'an error may be read too',
    { origins: [APP] },
    { headers: { Origin: APP } },
    503,
    [VARY, ALLOW],
    { status: 503 },
  ],
  [
    'a preflight is answered here',
    { origins: [APP] },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [METHODS, HEADERS, MAX_AGE, VARY, ALLOW],
  ],
  [
    'a preflight of another origin is answered without permission',
    { origins: ['https://b.example.com'] },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [VARY],
  ],
  [
    'a preflight is told what the options say',
    {
      origins: ['*'],
      methods: ['GET', 'PURGE'],
      headers: ['X-A', 'X-B'],
      maxAge: '1h',
      exposeHeaders: ['x-c'],
    },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [
      'Access-Control-Allow-Methods: GET, PURGE',
      'Access-Control-Allow-Headers: X-A, X-B',
      'Access-Control-Max-Age: 3600',
      'Access-Control-Allow-Origin: *',
    ],
  ],
  [
    'any method and any field',
    { origins: [APP], methods: ['*'], headers: ['*'], maxAge: '0s' },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [
      'Access-Control-Allow-Methods: *',
      'Access-Control-Allow-Headers: *',
      'Access-Control-Max-Age: 0',
      VARY,
      ALLOW,
    ],
  ],
  [
    'no field at all',
    { origins: [APP], headers: [] },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [METHODS, MAX_AGE, VARY, ALLOW],
  ],
  [
    'credentials are allowed in a preflight',
    { origins: [APP], credentials: true },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [METHODS, HEADERS, MAX_AGE, VARY, ALLOW, 'Access-Control-Allow-Credentials: true'],
  ],
  [
    'a private network is opened where it is asked for and allowed',
    { origins: [APP], privateNetwork: true },
    { method: 'OPTIONS', headers: { ...PREFLIGHT, 'Access-Control-Request-Private-Network': 'true' } },
    204,
    [METHODS, HEADERS, MAX_AGE, 'Access-Control-Allow-Private-Network: true', VARY, ALLOW],
  ],
  [
    'a private network is not opened where nobody asked',
    { origins: [APP], privateNetwork: true },
    { method: 'OPTIONS', headers: PREFLIGHT },
    204,
    [METHODS, HEADERS, MAX_AGE, VARY, ALLOW],
  ],
  [
    'a private network stays closed by default',
    { origins: [APP] },
    { method: 'OPTIONS', headers: { ...PREFLIGHT, 'Access-Control-Request-Private-Network': 'true' } },
    204,
    [METHODS, HEADERS, MAX_AGE, VARY, ALLOW],
  ],
  [
    'OPTIONS without a method asked for is the upstream’s',
    { origins: [APP] },
    { method: 'OPTIONS', headers: { Origin: APP } },
    200,
    [VARY, ALLOW],
  ],
  [
    'OPTIONS without Origin is the upstream’s',
    { origins: [APP] },
    { method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'PUT' } },
    200,
    [VARY],
  ],
  [
    'switched off: fields of the upstream’s own do not reach the client',
    { enabled: false },
    { headers: { Origin: APP } },
    200,
    ['Vary: Accept'],
    { headers: { 'Access-Control-Allow-Origin': '*', Vary: 'Accept' } },
  ],
  [
    'switched off: a preflight is the upstream’s where the route takes OPTIONS',
    { enabled: false, methods: ['OPTIONS'] },
    { method: 'OPTIONS', headers: PREFLIGHT },
    200,
    [],
    { headers: { 'Access-Control-Allow-Methods': 'PUT' } },
  ],
  [
    'another method with a preflight’s fields is no preflight',
    { origins: [APP] },
    { method: 'GET', headers: PREFLIGHT },
    200,
    [VARY, ALLOW],
  ],
];

for (const [title, options, request, status, lines, upstream] of ANSWERS) {
  test(title, async () => {
    const exchange = exchangeFor(request);
    const answer = await runPolicies(await compile(options), exchange, upstream);
    assert.equal(exchange.response.status, status);
    assert.deepEqual(exchange.responseLines, lines);
    assert.equal(answer !== undefined, status === 204, 'only a preflight is answered here');
  });
}

test('switched off, a preflight is refused without a word of CORS', async () => {
  for (const [methods, allow] of [
    [['GET', 'PUT'], 'GET, PUT, HEAD'],
    [undefined, 'GET, HEAD, POST, PUT, PATCH, DELETE'],
  ] as const) {
    const exchange = exchangeFor({ method: 'OPTIONS', headers: PREFLIGHT });
    const answer = await runPolicies(await compile({ enabled: false, methods }), exchange);
    assert.deepEqual([answer?.status, answer?.code], [405, 'method_not_allowed']);
    assert.deepEqual(exchange.responseLines, [`Allow: ${allow}`]);
  }
});

test('an answer that an earlier policy made may be read as well', async () => {
  const policies = await compile({ origins: [APP] }, { name: 'request-size', options: { max: '1b' } });
  const reversed = await compilePolicies(
    [
      { name: 'request-size', options: { max: '1b' } },
      { name: 'cors', options: { origins: [APP] } },
    ],
    context,
  );
  for (const each of [policies, reversed]) {
    const exchange = exchangeFor({ method: 'POST', headers: { Origin: APP }, bodyLength: 2 });
    await runPolicies(each, exchange);
    assert.equal(exchange.response.status, 413);
    assert.deepEqual(exchange.responseLines, [VARY, ALLOW]);
  }
});

test('the origin is still known when a later policy takes it from the request', async () => {
  const exchange = exchangeFor({ headers: { Origin: APP } });
  await runPolicies(
    await compile({ origins: [APP] }, { name: 'headers', options: { request: { remove: ['Origin'] } } }),
    exchange,
  );
  assert.deepEqual(exchange.requestLines, []);
  assert.deepEqual(exchange.responseLines, [VARY, ALLOW]);
});

test('a request of the same origin, without Origin, leaves no note', async () => {
  const exchange = exchangeFor();
  await runPolicies(await compile({ origins: [APP] }), exchange);
  assert.equal(exchange.hasNotes, false);
});

for (const [pattern, origin, allowed] of [
  ['https://*.example.com', 'https://a.example.com', true],
  ['https://*.example.com', 'https://a.b.example.com', true],
  ['https://*.example.com', 'https://example.com', false],
  ['https://*.example.com', 'https://.example.com', false],
  ['https://*.example.com', 'https://a..example.com', false],
  ['https://*.example.com', 'http://a.example.com', false],
  ['https://*.example.com', 'https://a.example.com:8443', false],
  ['https://*.example.com', 'https://aexample.com', false],
  ['https://*.example.com', 'https://evil.com/.example.com', false],
  ['https://*.example.com', 'https://evil.com#.example.com', false],
  ['https://*.example.com', 'https://user@a.example.com', false],
  ['https://*.example.com', 'https://evil.com:80.example.com', false],
  ['https://*.example.com', 'https://a.example.com.evil.com', false],
  ['https://*.example.com', 'https://A.example.com', false],
  ['https://*.example.com', 'null', false],
  ['https://*.example.com:8443', 'https://a.example.com:8443', true],
  ['https://*.example.com:8443', 'https://a.example.com', false],
  ['https://example.com', 'https://example.com', true],
  ['https://example.com', 'https://example.com.evil.com', false],
  ['https://example.com', 'https://example.com, https://example.com', false],
  ['https://example.com', 'HTTPS://example.com', false],
  ['http://localhost:3000', 'http://localhost:3000', true],
  ['http://[::1]:3000', 'http://[::1]:3000', true],
] as const) {
  test(`${pattern} ${allowed ? 'allows' : 'does not allow'} ${origin}`, async () => {
    const exchange = exchangeFor({ headers: { Origin: origin } });
    await runPolicies(await compile({ origins: [pattern] }), exchange);
    assert.equal(exchange.response.fields.get('access-control-allow-origin'), allowed ? origin : undefined);
  });
}

const WRITE = 'write https://app.example.com, https://*.example.com or *';

for (const [options, path, message] of [
  [{}, 'origins', 'is missing: expected a list'],
  [{ origins: [] }, 'origins', 'Too small: expected array to have >=1 items'],
  [
    { origins: ['null'] },
    'origins.0',
    'cannot be null: every sandboxed page and every local file has that origin',
  ],
  [{ origins: ['example.com'] }, 'origins.0', `is not an origin: ${WRITE}`],
  [{ origins: ['https://a.com/'] }, 'origins.0', 'is not an origin: did you mean https://a.com?'],
  [{ origins: ['https://A.com'] }, 'origins.0', 'is not an origin: did you mean https://a.com?'],
  [{ origins: ['https://a.com/path?q'] }, 'origins.0', 'is not an origin: did you mean https://a.com?'],
  [
    { origins: ['https://a.com:443'] },
    'origins.0',
    'never occurs: browsers leave the port out when it is 443; did you mean https://a.com?',
  ],
  [
    { origins: ['http://*.a.com:80'] },
    'origins.0',
    'never occurs: browsers leave the port out when it is 80; did you mean http://*.a.com?',
  ],
  [{ origins: ['https://*.com'] }, 'origins.0', 'is too wide: after *. there must be at least two labels'],
  [{ origins: ['https://a*.example.com'] }, 'origins.0', `is not an origin: ${WRITE}`],
  [
    { origins: ['*'], credentials: true },
    'origins',
    'cannot hold * with credentials: browsers refuse such an answer, and any site could act as the user; list the origins',
  ],
  [
    { origins: [APP], methods: ['*'], credentials: true },
    'methods',
    'cannot hold * with credentials: browsers then take it for a name, not for any; list them',
  ],
  [
    { origins: [APP], headers: ['*'], credentials: true },
    'headers',
    'cannot hold * with credentials: browsers then take it for a name, not for any; list them',
  ],
  [
    { origins: [APP], exposeHeaders: ['*'], credentials: true },
    'exposeHeaders',
    'cannot hold * with credentials: browsers then take it for a name, not for any; list them',
  ],
  [{ origins: [APP], methods: ['get'] }, 'methods.0', 'must be in capital letters, as browsers send it'],
  [{ origins: [APP], headers: ['x y'] }, 'headers.0', 'is not a field name'],
  [{ origins: [APP], origin: APP }, 'origin', 'is not a known option: did you mean origins?'],
] as const) {
  test(`${JSON.stringify(options)} is refused`, async () => {
    const problems = await validatePolicyUse({ name: 'cors', options });
    assert.deepEqual(
      problems.map((problem) => [problem.path.join('.'), problem.message]),
      [[path, message]],
    );
  });
}

test('no origin is ever reflected that is not allowed', async () => {
  const pieces = fc.constantFrom(
    'https://',
    'http://',
    'a',
    'app',
    '.',
    'example',
    'com',
    ':',
    '443',
    '/',
    '@',
    '#',
    '?',
    '*',
    'null',
    '%2e',
    ',',
    ' ',
    'evil',
  );
  const policies = await compile({ origins: [APP, 'https://*.example.com'] });
  const allowed = /^https:\/\/[a-z0-9_-]+(\.[a-z0-9_-]+)*\.example\.com$/;
  await fc.assert(
    fc.asyncProperty(
      fc.array(pieces, { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      async (parts, ending) => {
        const origin = (parts.join('') + (ending ? '.example.com' : '')).trim();
        for (const method of ['GET', 'OPTIONS']) {
          const headers = { Origin: origin, 'Access-Control-Request-Method': 'GET' };
          const exchange = exchangeFor({ method, headers });
          await runPolicies(policies, exchange);
          const reflected = exchange.response.fields.getAll('access-control-allow-origin');
          assert.deepEqual(reflected, allowed.test(origin) ? [origin] : []);
          assert.equal(exchange.response.fields.get('vary'), 'Origin');
        }
      },
    ),
    { numRuns: 500 },
  );
});
