import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact } from './redact.ts';

const CASES: readonly [title: string, value: unknown, clean: unknown][] = [
  [
    'ordinary values stay',
    { port: 8080, hosts: ['a.example'], on: true, none: null },
    { port: 8080, hosts: ['a.example'], on: true, none: null },
  ],
  ['a key', { cert: 'public', key: 'k' }, { cert: 'public', key: '[redacted]' }],
  [
    'but not what a limit counts by, which is a kind or a name',
    [
      { name: 'rate-limit', options: { key: 'consumer', limits: [{ key: { cookie: 'id' } }] } },
      { name: 'own', options: { key: 'consumer' } },
      { name: 'rate-limit', module: './own.ts', options: { key: 'consumer' } },
      { name: 'rate-limit', key: 'k' },
    ],
    [
      { name: 'rate-limit', options: { key: 'consumer', limits: [{ key: { cookie: 'id' } }] } },
      { name: 'own', options: { key: '[redacted]' } },
      { name: 'rate-limit', module: './own.ts', options: { key: '[redacted]' } },
      { name: 'rate-limit', key: '[redacted]' },
    ],
  ],
  [
    'lists under such keys',
    { keys: ['a', 'b'], secrets: ['c'], jwks: { keys: [{ kty: 'EC' }] }, scopes: ['d'] },
    {
      keys: ['[redacted]', '[redacted]'],
      secrets: ['[redacted]'],
      jwks: { keys: [{ kty: 'EC' }] },
      scopes: ['d'],
    },
  ],
  [
    'hashes of passwords, not those of keys that nobody can guess',
    { basic: { hash: '$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA' }, hash: 'sha256:abc' },
    { basic: { hash: '[redacted]' }, hash: 'sha256:abc' },
  ],
  ['a private key under any name', { pem: '-----BEGIN EC PRIVATE KEY-----\nx' }, { pem: '[redacted]' }],
  [
    'keys that speak of a secret',
    { clientSecret: 'x', apiKey: 'x', Authorization: 'x', 'set-cookie': 'x' },
    {
      clientSecret: '[redacted]',
      apiKey: '[redacted]',
      Authorization: '[redacted]',
      'set-cookie': '[redacted]',
    },
  ],
  ['the user info of a URL', { url: 'redis://me:pw@host/0' }, { url: 'redis://[redacted]@host/0' }],
  ['a password with an @ in it', { url: 'redis://me:p@w@host/?@' }, { url: 'redis://[redacted]@host/?@' }],
  [
    'a value that was read from env: or file:',
    { set: { 'x-upstream': 'hunter2' } },
    { set: { 'x-upstream': '[redacted]' } },
  ],
  ['such a value within a longer one', ['Bearer hunter2!'], ['Bearer [redacted]!']],
];

describe('a dump of the configuration', () => {
  for (const [title, value, clean] of CASES) {
    it(`redacts: ${title}`, () => assert.deepEqual(redact(value, new Set(['hunter2', ''])), clean));
  }
});
