import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  exchangeFor,
  type RequestDescription,
  runPolicies,
  type UpstreamAnswer,
} from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const context = { route: 'r', warn: () => {}, policyEvent: () => {} };
const compile = (options: unknown) => compilePolicies([{ name: 'headers', options }], context);

const ON_REQUEST: readonly (readonly [
  title: string,
  options: object,
  headers: NonNullable<RequestDescription['headers']>,
  lines: readonly string[],
])[] = [
  ['set adds a field', { set: { 'X-A': '1' } }, { b: '2' }, ['b: 2', 'X-A: 1']],
  [
    'set replaces every field of that name',
    { set: { 'x-a': '1' } },
    [
      ['X-A', 'i'],
      ['b', '2'],
      ['x-A', 'j'],
    ],
    ['X-A: 1', 'b: 2'],
  ],
  [
    'set takes values of the request',
    { set: { 'X-From': '${client.address} ${header.b}' } },
    { b: '2' },
    ['b: 2', 'X-From: 192.0.2.1 2'],
  ],
  [
    'a field set to nothing is taken away, so that a client cannot bring its own',
    { set: { 'X-User': '${query.user}' } },
    { 'x-user': 'root' },
    [],
  ],
  [
    'white space that an empty variable leaves at an end is taken off',
    { set: { 'X-A': '${header.none} a ${header.none}' } },
    {},
    ['X-A: a'],
  ],
  [
    'a no-break space is an octet like another',
    { set: { 'X-A': '${header.b}' } },
    { b: '\xa0c\xa0' },
    ['b: \xa0c\xa0', 'X-A: \xa0c\xa0'],
  ],
  ['add keeps what is there', { add: { 'X-A': '1' } }, { 'x-a': '0' }, ['x-a: 0', 'X-A: 1']],
  [
    'add takes several values',
    { add: { 'X-A': ['1', '${header.b}', '${header.none}'] } },
    { b: '2' },
    ['b: 2', 'X-A: 1', 'X-A: 2'],
  ],
  [
    'remove takes every field of that name',
    { remove: ['Cookie'] },
    [
      ['cookie', 'a'],
      ['b', '2'],
      ['COOKIE', 'c'],
    ],
    ['b: 2'],
  ],
  [
    'remove comes first, then set, then add',
    { add: { a: '3' }, set: { a: '2' }, remove: ['a'] },
    { a: '1', b: '0' },
    ['b: 0', 'a: 2', 'a: 3'],
  ],
  ['a query value stays percent-encoded', { set: { a: '${query.q}' } }, {}, ['a: x%0D%0AEvil:%201']],
];

for (const [title, request, headers, lines] of ON_REQUEST) {
  test(title, async () => {
    const exchange = exchangeFor({ url: '/?q=x%0D%0AEvil:%201', headers });
    await runPolicies(await compile({ request }), exchange);
    assert.deepEqual(exchange.requestLines, lines);
  });
}

const ON_RESPONSE: readonly (readonly [
  title: string,
  options: object,
  upstream: UpstreamAnswer,
  lines: readonly string[],
])[] = [
  [
    'set, add and remove work on the answer',
    { set: { a: '1' }, add: { b: ['2', '3'] }, remove: ['Server'] },
    { headers: { server: 'x' } },
    ['a: 1', 'b: 2', 'b: 3'],
  ],
  [
    'default leaves a field that is there',
    { default: { 'Cache-Control': 'no-store' } },
    { headers: { 'cache-control': 'public' } },
    ['cache-control: public'],
  ],
  [
    'default sets a field that is missing',
    { default: { 'Cache-Control': 'no-store' } },
    {},
    ['Cache-Control: no-store'],
  ],
  [
    'default sets a field that was removed',
    { default: { Server: 'mine' }, remove: ['server'] },
    { headers: { Server: 'theirs' } },
    ['Server: mine'],
  ],
  [
    'values of the request are there for the answer too',
    { set: { 'X-Request-Id': '${request.id}' } },
    {},
    ['X-Request-Id: request-1'],
  ],
];

for (const [title, response, upstream, lines] of ON_RESPONSE) {
  test(`on an answer, ${title}`, async () => {
    const exchange = exchangeFor();
    await runPolicies(await compile({ response }), exchange, upstream);
    assert.deepEqual(exchange.responseLines, lines);
  });
}

test('a policy for one direction has no hook for the other', async () => {
  const request = await compile({ request: { remove: ['a'] } });
  const response = await compile({ response: { remove: ['a'] } });
  assert.deepEqual([request.onRequest.length, request.onResponse.length], [1, 0]);
  assert.deepEqual([response.onRequest.length, response.onResponse.length], [0, 1]);
});

const FRAMING = 'it belongs to the framing of the message, which is the gateway’s own';
const CONNECTION = 'it belongs to one connection, not to the message';
const HOST = 'it is set by `host` of the service, of the route’s `rewrite` or of the policy rewrite';

for (const [name, reason] of [
  ['Content-Length', FRAMING],
  ['transfer-encoding', FRAMING],
  ['TE', FRAMING],
  ['Trailer', FRAMING],
  ['Connection', CONNECTION],
  ['Keep-Alive', CONNECTION],
  ['Proxy-Connection', CONNECTION],
  ['Upgrade', CONNECTION],
  ['Host', HOST],
] as const) {
  test(`${name} cannot be set, added, defaulted or removed`, async () => {
    const message = `the field ${name} cannot be changed: ${reason}`;
    const options = {
      request: { set: { [name]: 'a' }, add: { [name]: 'a' }, remove: [name] },
      response: { default: { [name]: 'a' } },
    };
    assert.deepEqual(await validatePolicyUse({ name: 'headers', options }), [
      { path: ['request', 'remove', 0], message },
      { path: ['request', 'set', name], message },
      { path: ['request', 'add', name], message },
      { path: ['response', 'default', name], message },
    ]);
  });
}

const NOT_A_VALUE =
  'is not a field value: it holds a control character, a character beyond latin1, or white space at an end';

for (const [value, message] of [
  ['a\r\nb', NOT_A_VALUE],
  ['a\n', NOT_A_VALUE],
  [' a', NOT_A_VALUE],
  ['${route}\n', NOT_A_VALUE],
  ['жук', NOT_A_VALUE],
  ['${rout}', 'there is no variable rout (character 1): did you mean ${route}?'],
] as const) {
  test(`the value ${JSON.stringify(value)} is refused`, async () => {
    assert.deepEqual(
      await validatePolicyUse({ name: 'headers', options: { request: { set: { a: value } } } }),
      [{ path: ['request', 'set', 'a'], message }],
    );
  });
}

test('a policy that changes nothing is refused', async () => {
  await assert.rejects(compile({ request: {} }), {
    message:
      'the policy headers cannot be made: there is nothing to do: neither `request` nor `response` changes a field',
  });
});
