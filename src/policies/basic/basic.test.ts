import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestDescription } from '../../../test/support/exchange.ts';
import { hashPassword } from '../../identity/passwords/password-hash.ts';
import { formatPhc } from '../../identity/passwords/phc.ts';
import { asker, basicField, identityOf } from '../auth/auth.support.ts';

const identity = identityOf({
  alice: { basic: { password: 'pass:wörd' } },
  bob: { basic: { username: 'Bob B', hash: formatPhc(await hashPassword('hashed', 'argon2id')) } },
  carol: { basic: { hash: formatPhc(await hashPassword('häshed', 'scrypt')) } },
  dave: { apiKeys: [{ key: 'a-key-of-twenty-chars' }] },
});

type Headers = NonNullable<RequestDescription['headers']>;
type Case = readonly [title: string, headers: Headers, consumer: string | undefined, code?: string];

const credentials = (text: string): Headers => ({ Authorization: basicField(text) });
const encoded = Buffer.from('alice:pass:wörd').toString('base64');

const CASES: readonly Case[] = [
  ['a password with a colon and a letter beyond ASCII', credentials('alice:pass:wörd'), 'alice'],
  ['a password of argon2id, and a user name of its own', credentials('Bob B:hashed'), 'bob'],
  ['a password of scrypt', credentials('carol:häshed'), 'carol'],
  ['the scheme in other letters', { Authorization: `bASIC ${encoded}` }, 'alice'],
  ['several spaces behind the scheme', { Authorization: `Basic   ${encoded}` }, 'alice'],
  ['nothing', {}, undefined, 'unauthenticated'],
  ['another scheme', { Authorization: 'Bearer abc' }, undefined, 'unauthenticated'],
  [
    'a scheme that only begins like it',
    { Authorization: `Basically ${encoded}` },
    undefined,
    'unauthenticated',
  ],
  ['the scheme alone', { Authorization: 'Basic' }, undefined, 'invalid_credentials'],
  ['what is not base64', { Authorization: 'Basic a:b' }, undefined, 'invalid_credentials'],
  ['base64 that is cut', { Authorization: `Basic ${encoded}x` }, undefined, 'invalid_credentials'],
  ['something behind the base64', { Authorization: `Basic ${encoded} x` }, undefined, 'invalid_credentials'],
  ['no colon', credentials('alice'), undefined, 'invalid_credentials'],
  ['a control character', credentials('alice:pass:wörd\u0000'), undefined, 'invalid_credentials'],
  ['more than any password', credentials(`alice:${'x'.repeat(4000)}`), undefined, 'invalid_credentials'],
  [
    'the same field twice',
    [
      ['Authorization', basicField('alice:pass:wörd')],
      ['Authorization', basicField('alice:pass:wörd')],
    ],
    undefined,
    'invalid_credentials',
  ],
  [
    'a second field behind one of another scheme',
    [
      ['Authorization', 'Bearer abc'],
      ['Authorization', basicField('alice:wrong')],
    ],
    undefined,
    'invalid_credentials',
  ],
  ['a wrong password', credentials('alice:pass:word'), undefined, 'invalid_credentials'],
  ['a wrong password of a hash', credentials('Bob B:hashe'), undefined, 'invalid_credentials'],
  ['an empty password', credentials('alice:'), undefined, 'invalid_credentials'],
  ['the user name in other letters', credentials('Alice:pass:wörd'), undefined, 'invalid_credentials'],
  [
    'the name of a consumer whose user name is another',
    credentials('bob:hashed'),
    undefined,
    'invalid_credentials',
  ],
  ['a consumer without a password', credentials('dave:'), undefined, 'invalid_credentials'],
  ['a user that is not there', credentials('nobody:x'), undefined, 'invalid_credentials'],
  [
    'the name of something that every object has',
    credentials('constructor:x'),
    undefined,
    'invalid_credentials',
  ],
];

describe('Basic credentials with', () => {
  for (const [title, headers, consumer, code] of CASES) {
    it(title, async () => {
      const ask = await asker([{ name: 'basic', options: { realm: 'The "shop"' } }], identity);
      const got = await ask({ headers });
      assert.deepEqual([got.consumer, got.code], [consumer, code]);
      if (code === undefined) return;
      assert.equal(got.status, 401);
      assert.equal(got.challenge, 'Basic realm="The \\"shop\\"", charset="UTF-8"');
    });
  }
});

describe('What is sent on', () => {
  for (const [forward, sent] of [
    [false, []],
    [true, [`Authorization: ${basicField('alice:pass:wörd')}`]],
  ] as const) {
    it(`${forward ? 'has' : 'does not have'} the password with forward: ${forward}`, async () => {
      const ask = await asker([{ name: 'basic', options: { forward } }], identity);
      assert.deepEqual((await ask({ headers: credentials('alice:pass:wörd') })).sent, sent);
    });
  }
});

it('Nobody is known where no consumer has a password', async () => {
  const ask = await asker([{ name: 'basic', options: {} }], identityOf({}));
  assert.equal((await ask({ headers: credentials('alice:x') })).code, 'invalid_credentials');
});
