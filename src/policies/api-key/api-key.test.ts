import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestDescription } from '../../../test/support/exchange.ts';
import { keyDigest } from '../../identity/consumers/api-keys.ts';
import { asker, identityOf, NOW_MS } from '../auth/auth.support.ts';
import { validatePolicyUse } from '../compile.ts';

const OLD = 'acme_old-key-of-alice';
const NEW = 'acme_new-key-of-alice';
const OVER = 'acme_key-that-is-over';
const BOB = 'key&of=bob+and;more';
const clock = { nowMs: NOW_MS };
const identity = identityOf(
  {
    alice: {
      apiKeys: [
        { id: 'old', hash: `sha256:${keyDigest(OLD)}`, expires: '2026-06-01T00:00:00+02:00' },
        { id: 'new', hash: `sha256:${keyDigest(NEW)}` },
        { hash: `sha256:${keyDigest(OVER)}`, expires: '2025-12-31T23:59:59Z' },
      ],
    },
    bob: { apiKeys: [{ key: BOB }] },
  },
  () => clock.nowMs,
);

const ALL = {
  header: ['X-Key', 'api-key'],
  query: 'key',
  cookie: ['key'],
  authorization: ['bearer', 'apikey'],
};
const PREFIX = { ...ALL, prefix: 'acme_' };

type Case = readonly [
  title: string,
  options: object,
  request: RequestDescription,
  consumer: string | undefined,
  code?: string,
];

const inHeader = (key: string, name = 'X-Api-Key'): RequestDescription => ({ headers: { [name]: key } });

const CASES: readonly Case[] = [
  ['a key', {}, inHeader(NEW), 'alice'],
  ['the other live key', {}, inHeader(OLD), 'alice'],
  ['a key in plain text', {}, inHeader(BOB), 'bob'],
  ['the field in other letters', {}, inHeader(NEW, 'x-API-key'), 'alice'],
  ['a key of several fields', ALL, inHeader(NEW, 'Api-Key'), 'alice'],
  ['a query parameter', ALL, { url: `/?a=1&key=${NEW}` }, 'alice'],
  ['a query parameter with escapes', ALL, { url: '/?k%65y=key%26of%3Dbob%2Band%3Bmore' }, 'bob'],
  ['a cookie', ALL, { headers: { Cookie: `a=b; key=${NEW}; c=d` } }, 'alice'],
  ['Bearer', ALL, inHeader(`Bearer ${NEW}`, 'Authorization'), 'alice'],
  ['ApiKey, in other letters', ALL, inHeader(`apikey ${NEW}`, 'Authorization'), 'alice'],
  ['the first of two places', ALL, { url: '/?key=wrong', headers: { 'X-Key': NEW } }, 'alice'],
  ['nothing', {}, {}, undefined, 'unauthenticated'],
  ['a field that is not named', ALL, inHeader(NEW), undefined, 'unauthenticated'],
  ['a query parameter where none is named', {}, { url: `/?key=${NEW}` }, undefined, 'unauthenticated'],
  [
    'a scheme that is not named',
    {},
    inHeader(`Bearer ${NEW}`, 'Authorization'),
    undefined,
    'unauthenticated',
  ],
  ['Basic', ALL, inHeader('Basic YTpi', 'Authorization'), undefined, 'unauthenticated'],
  ['an empty key', {}, inHeader(''), undefined, 'invalid_credentials'],
  ['a wrong key', {}, inHeader(`${NEW}x`), undefined, 'invalid_credentials'],
  ['a key in other letters', {}, inHeader(NEW.toUpperCase()), undefined, 'invalid_credentials'],
  ['the hash of a key', {}, inHeader(keyDigest(NEW)), undefined, 'invalid_credentials'],
  ['a key that is over', {}, inHeader(OVER), undefined, 'invalid_credentials'],
  ['a huge key', {}, inHeader('x'.repeat(1025)), undefined, 'invalid_credentials'],
  [
    'a key twice',
    {},
    {
      headers: [
        ['X-Api-Key', NEW],
        ['x-api-key', NEW],
      ],
    },
    undefined,
    'invalid_credentials',
  ],
  [
    'a key behind one that is none, in a second field',
    PREFIX,
    {
      headers: [
        ['X-Key', BOB],
        ['X-Key', NEW],
      ],
    },
    undefined,
    'invalid_credentials',
  ],
  [
    'a key in a second Authorization field, behind another scheme',
    ALL,
    {
      headers: [
        ['Authorization', 'Basic YTpi'],
        ['Authorization', `Bearer ${NEW}x`],
      ],
    },
    undefined,
    'invalid_credentials',
  ],
  [
    'a cookie twice',
    ALL,
    { headers: { Cookie: `key=${NEW}; key=${NEW}x` } },
    undefined,
    'invalid_credentials',
  ],
  [
    'a cookie in two fields',
    ALL,
    {
      headers: [
        ['Cookie', `key=${NEW}`],
        ['Cookie', 'a=b; key=x'],
      ],
    },
    undefined,
    'invalid_credentials',
  ],
  [
    'a cookie of the second field',
    ALL,
    {
      headers: [
        ['Cookie', 'a=b'],
        ['Cookie', `c=d; key=${NEW}`],
      ],
    },
    'alice',
  ],
  ['a query parameter twice', ALL, { url: `/?key=${NEW}&key=${NEW}` }, undefined, 'invalid_credentials'],
  ['the prefix', PREFIX, inHeader(NEW, 'X-Key'), 'alice'],
  [
    'another prefix, which is no key',
    PREFIX,
    inHeader(`Bearer ${BOB}`, 'Authorization'),
    undefined,
    'unauthenticated',
  ],
  [
    'another prefix before a key',
    PREFIX,
    { url: `/?key=${NEW}`, headers: { Authorization: 'Bearer ey.j.w' } },
    'alice',
  ],
];

describe('An API key with', () => {
  for (const [title, options, request, consumer, code] of CASES) {
    it(title, async () => {
      const ask = await asker([{ name: 'api-key', options }], identity);
      const got = await ask(request);
      assert.deepEqual([got.consumer, got.code], [consumer, code]);
      if (code !== undefined) assert.equal(got.status, 401);
    });
  }

  it('an expiry is refused from then on, also when it is known', async () => {
    const ask = await asker([{ name: 'api-key', options: {} }], identity);
    clock.nowMs = Date.UTC(2026, 4, 31, 21, 59, 59);
    assert.equal((await ask(inHeader(OLD))).consumer, 'alice');
    clock.nowMs += 1000;
    assert.equal((await ask(inHeader(OLD))).code, 'invalid_credentials');
    assert.equal((await ask(inHeader(NEW))).consumer, 'alice');
    clock.nowMs = NOW_MS;
  });
});

describe('The challenge', () => {
  for (const [options, challenge] of [
    [{}, 'ApiKey realm="portcullis", in="header", name="x-api-key"'],
    [{ authorization: ['bearer'], realm: 'a' }, 'Bearer realm="a"'],
    [
      { query: 'k', cookie: 'c' },
      'ApiKey realm="portcullis", in="query", name="k", ApiKey realm="portcullis", in="cookie", name="c"',
    ],
  ] as const) {
    it(`of ${JSON.stringify(options)} names every place`, async () => {
      const ask = await asker([{ name: 'api-key', options }], identity);
      assert.equal((await ask()).challenge, challenge);
    });
  }
});

describe('What is sent on', () => {
  const cases: readonly (readonly [string, RequestDescription, readonly string[], string])[] = [
    ['a field', { headers: { 'X-Key': NEW, Accept: '*/*' } }, ['Accept: */*'], ''],
    ['a parameter', { url: `/?a=1&key=${NEW}&b=2` }, [], '?a=1&b=2'],
    ['the only cookie', { headers: { Cookie: `key=${NEW}` } }, [], ''],
    ['a cookie', { headers: { Cookie: `a=b; key=${NEW}; keys=d; e` } }, ['Cookie: a=b; keys=d; e'], ''],
    ['Bearer', { headers: { Authorization: `Bearer ${NEW}` } }, [], ''],
    ['all places', { url: `/?key=${NEW}`, headers: { 'X-Key': NEW, Cookie: `key=${NEW}` } }, [], ''],
    [
      'not what is of another prefix',
      { headers: { 'X-Key': NEW, Authorization: 'Bearer ey.j.w' } },
      ['Authorization: Bearer ey.j.w'],
      '',
    ],
  ];
  for (const [title, request, sent, search] of cases) {
    it(`is without the key: ${title}`, async () => {
      const ask = await asker([{ name: 'api-key', options: PREFIX }], identity);
      const got = await ask(request);
      assert.deepEqual([got.consumer, got.sent, got.search], ['alice', sent, search]);
    });
  }

  it('has the key with forward: true', async () => {
    const ask = await asker([{ name: 'api-key', options: { forward: true } }], identity);
    assert.deepEqual((await ask(inHeader(NEW))).sent, [`X-Api-Key: ${NEW}`]);
  });
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{ header: 'x key' }, 'header', 'is not a field name'],
    [{ authorization: ['basic'] }, 'authorization.0', 'Invalid option: expected one of "bearer"|"apikey"'],
    [{ prefix: 'a b' }, 'prefix', 'is of 1 to 50 ASCII characters without a space'],
    [{ realm: 'a\nb' }, 'realm', 'is of 1 to 200 ASCII characters, none of them a control character'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'api-key', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
