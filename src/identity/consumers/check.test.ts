import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { keyDigest } from './api-keys.ts';
import { checkConsumers } from './check.ts';
import { consumerSchema } from './schema.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const SALTED = 'c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA';
const KEY = { key: 'a-key-of-twenty-chars' };
const FINGERPRINT = `sha256:${'ab'.repeat(32)}`;
const pem = (key: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer }) =>
  String(key.export({ type: 'spki', format: 'pem' }));
const ed25519 = generateKeyPairSync('ed25519');
const P384 = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey);
const PRIVATE = String(ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }));

type Case = readonly [
  title: string,
  consumers: object,
  ...problems: (readonly [path: string, message: string])[],
];

const CASES: readonly Case[] = [
  [
    'all kinds of credentials, as they should be',
    {
      a: {
        basic: { hash: `$scrypt$ln=14,r=8,p=1$${SALTED}` },
        apiKeys: [KEY, { hash: `sha256:${keyDigest('another')}`, expires: '2025-01-01T00:00:00Z' }],
        certificates: [
          { fingerprint: FINGERPRINT },
          { subject: 'CN=a, O=b' },
          { san: 'DNS:a.example' },
          { issuer: 'CN=ca', serial: '0A:1b' },
        ],
        signatureKeys: [
          { id: 'k', algorithm: 'hmac-sha256', secret: 'base64:AAAAAAAAAAAAAAAAAAAAAAAA' },
          { id: 'l', algorithm: 'ed25519', publicKey: pem(ed25519.publicKey) },
        ],
        subjects: [{ provider: 'keycloak', subject: '1' }],
      },
    },
  ],
  [
    'a password and a hash',
    { a: { basic: { password: 'x', hash: '$' } } },
    ['a.basic', 'needs either password or hash'],
  ],
  ['neither of them', { a: { basic: {} } }, ['a.basic', 'needs either password or hash']],
  [
    'a hash of bcrypt',
    { a: { basic: { hash: '$2b$12$abc' } } },
    [
      'a.basic.hash',
      'is of a kind that is not taken: write $scrypt$… or $argon2id$…, as `portcullis hash` prints it',
    ],
  ],
  [
    'a hash that is none',
    { a: { basic: { hash: 'secret' } } },
    ['a.basic.hash', 'is no PHC string: write $scrypt$… or $argon2id$…, as `portcullis hash` prints it'],
  ],
  [
    'a hash that would take all memory',
    { a: { basic: { hash: `$scrypt$ln=30,r=8,p=1$${SALTED}` } } },
    ['a.basic.hash', 'asks for more than 256 MiB of memory'],
  ],
  [
    'a hash that is guessed fast',
    { a: { basic: { hash: `$argon2id$v=19$m=64,t=1,p=1$${SALTED}` } } },
    ['a.basic.hash', 'asks for less than 4 MiB of memory, which guesses it too fast'],
  ],
  [
    'a hash of an older version',
    { a: { basic: { hash: `$argon2id$v=16$m=19456,t=2,p=1$${SALTED}` } } },
    ['a.basic.hash', 'is of another version of argon2id than 19'],
  ],
  [
    'a hash with a short salt',
    { a: { basic: { hash: '$argon2id$v=19$m=19456,t=2,p=1$c2Fs$aGFzaGhhc2hoYXNoaGFzaA' } } },
    ['a.basic.hash', 'has a salt that is not of 8 to 64 octets'],
  ],
  [
    'a user name with a colon',
    { a: { basic: { username: 'a:b', password: 'x' } } },
    ['a.basic.username', 'cannot hold a colon'],
  ],
  [
    'a user name of two',
    { a: { basic: { password: 'x' } }, b: { basic: { username: 'a', password: 'y' } } },
    ['b.basic.username', 'the consumer a has this user name already'],
  ],
  [
    'a user name of two organizations, of one that has it twice, and of a shared consumer',
    {
      a: { organization: 'acme', basic: { username: 'app', password: 'x' } },
      g: { organization: 'globex', basic: { username: 'app', password: 'y' } },
      h: { organization: 'globex', basic: { username: 'app', password: 'z' } },
      s: { basic: { username: 'app', password: 's' } },
    },
    ['h.basic.username', 'the consumer g has this user name already'],
    ['s.basic.username', 'the consumer a has this user name already'],
  ],
  ['a key without one', { a: { apiKeys: [{}] } }, ['a.apiKeys.0', 'needs either key or hash']],
  [
    'a hash of a key that is none',
    { a: { apiKeys: [{ hash: 'sha256:abc' }] } },
    [
      'a.apiKeys.0.hash',
      'is not sha256: and 43 characters of base64url, as `portcullis hash --api-key` prints it',
    ],
  ],
  [
    'a short key',
    { a: { apiKeys: [{ key: 'short' }] } },
    ['a.apiKeys.0.key', 'is shorter than 16 characters, so that it may be guessed'],
  ],
  [
    'a key of two, once as its hash',
    { a: { apiKeys: [KEY] }, b: { apiKeys: [{ hash: `sha256:${keyDigest(KEY.key)}` }] } },
    ['b.apiKeys.0.hash', 'the consumer a has this API key already'],
  ],
  ['a key twice', { a: { apiKeys: [KEY, KEY] } }, ['a.apiKeys.1.key', 'this API key stands here twice']],
  [
    'only keys that are over',
    { a: { apiKeys: [{ ...KEY, expires: '2025-01-01T00:00:00Z' }] } },
    ['a.apiKeys', 'has no key that is not over: nobody can call with them'],
  ],
  [
    'a certificate named in two ways',
    { a: { certificates: [{ subject: 'CN=a', san: 'DNS:a' }] } },
    ['a.certificates.0', 'needs one of fingerprint, subject, san, or issuer and serial'],
  ],
  [
    'an issuer without a number',
    { a: { certificates: [{ issuer: 'CN=a' }] } },
    ['a.certificates.0', 'needs serial too: both together name a certificate'],
  ],
  [
    'a fingerprint of SHA-1',
    { a: { certificates: [{ fingerprint: 'ab:cd' }] } },
    ['a.certificates.0.fingerprint', 'is not sha256: and 64 hex digits'],
  ],
  [
    'a name that is none',
    { a: { certificates: [{ subject: 'alice' }] } },
    ['a.certificates.0.subject', 'is not a name as RFC 4514 writes it: CN=alice,O=Example'],
  ],
  [
    'an alternative name of no kind',
    { a: { certificates: [{ san: 'a.example' }] } },
    ['a.certificates.0.san', 'is not DNS:, URI:, email: or IP: and a name'],
  ],
  [
    'a certificate of two, written in two ways',
    {
      a: { certificates: [{ fingerprint: FINGERPRINT }] },
      b: { certificates: [{ fingerprint: `sha256:${'AB:'.repeat(31)}AB` }] },
    },
    ['b.certificates.0.fingerprint', 'the consumer a has this fingerprint already'],
  ],
  [
    'a shared secret that is missing, and one that is short',
    {
      a: {
        signatureKeys: [
          { id: '1', algorithm: 'hmac-sha256' },
          { id: '2', algorithm: 'hmac-sha256', secret: 'x' },
        ],
      },
    },
    ['a.signatureKeys.0.secret', 'is missing: hmac-sha256 has a shared secret'],
    ['a.signatureKeys.1.secret', 'is shorter than 16 octets'],
  ],
  [
    'public keys that do not fit',
    {
      a: {
        signatureKeys: [
          { id: '1', algorithm: 'ecdsa-p256-sha256', publicKey: P384 },
          { id: '2', algorithm: 'ed25519', publicKey: 'x' },
          { id: '3', algorithm: 'ed25519', publicKey: PRIVATE },
          { id: '3', algorithm: 'rsa-pss-sha512' },
        ],
      },
    },
    ['a.signatureKeys.0.publicKey', 'is of another kind than ecdsa-p256-sha256 needs'],
    ['a.signatureKeys.1.publicKey', 'is no public key in PEM'],
    ['a.signatureKeys.2.publicKey', 'is a private key'],
    ['a.signatureKeys.3.id', 'this signature key stands here twice'],
    ['a.signatureKeys.3.publicKey', 'is missing: rsa-pss-sha512 has a key in PEM'],
  ],
  [
    'a subject of a provider that is not there, and one of two consumers',
    {
      a: {
        subjects: [
          { provider: 'keyclok', subject: '1' },
          { provider: 'keycloak', subject: '1' },
        ],
      },
      b: { subjects: [{ provider: 'keycloak', subject: '1' }] },
    },
    ['a.subjects.0.provider', 'there is no provider "keyclok"'],
    ['b.subjects.0.subject', 'the consumer a has this subject already'],
  ],
];

describe('Consumers with', () => {
  for (const [title, consumers, ...expected] of CASES) {
    it(title, () => {
      const parsed = z.record(z.string(), consumerSchema).parse(consumers);
      const found = checkConsumers(parsed, new Set(['keycloak']), NOW_MS);
      assert.deepEqual(
        found.map(({ path, message }) => [path.join('.'), message]),
        expected,
      );
    });
  }
});
