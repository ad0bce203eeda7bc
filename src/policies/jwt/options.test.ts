import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeSigner } from '../../identity/jwt/tokens.support.ts';
import { validatePolicyUse } from '../compile.ts';
import { checkJwt } from './check.ts';
import { AuthPlay } from './jwt.support.ts';
import { jwtSchema } from './schema.ts';

const ISSUER = 'https://id.example.com';
const signer = makeSigner('ES256', 'one');

describe('Options', () => {
  const jwks = { keys: [signer.jwk] };
  const one = (issuer: object, rest: object = { audience: 'api' }) => ({
    issuers: [{ issuer: ISSUER, ...issuer }],
    ...rest,
  });
  const around = { lists: new Map(), providers: new Set(['keycloak']), sessions: new Set<string>() };
  for (const [title, options, path, message] of [
    ['no issuer', {}, '', 'needs provider, providers or issuers: whose tokens are accepted'],
    [
      'both provider and providers',
      { provider: 'a', providers: ['b'] },
      'providers',
      'stands beside provider: write all of them here',
    ],
    ['an algorithm that is none', one({ algorithms: ['none'] }), 'issuers.0.algorithms.0', undefined],
    [
      'two sources of keys',
      one({ jwks, secret: 'x' }),
      'issuers.0.secret',
      'is one source of keys too many: write one of jwksUri, jwks, key and secret',
    ],
    [
      'an issuer whose keys cannot be found',
      { issuers: [{ issuer: 'me' }], audience: 'api' },
      'issuers.0.issuer',
      'is no address, so its keys cannot be found: write jwksUri, jwks, key or secret',
    ],
    ['a skew of an hour', { provider: 'a', skew: '1h' }, 'skew', 'is longer than 5m'],
    [
      'no place of a token',
      { provider: 'a', from: { header: false } },
      'from',
      'says no place where a token is',
    ],
    [
      'a realm with a quote',
      { provider: 'a', realm: 'a"b' },
      'realm',
      'has a character that cannot stand in a challenge',
    ],
    ['tokens of a megabyte', { provider: 'a', maxLength: '1mb' }, 'maxLength', 'is not between 1b and 64kb'],
  ] as const) {
    it(`are refused with ${title}`, async () => {
      const problems = await validatePolicyUse({ name: 'jwt', options });
      assert.equal(problems[0]?.path.join('.'), path);
      if (message !== undefined) assert.equal(problems[0]?.message, message);
    });
  }

  for (const [title, options, path, message] of [
    [
      'a provider that is not there',
      { provider: 'keycloack' },
      'provider',
      'there is no provider "keycloack" (keycloak)',
    ],
    ['one of several providers', { providers: ['keycloak', 'b'] }, 'providers.1', 'there is no provider "b"'],
    [
      'an issuer twice',
      {
        issuers: [
          { issuer: ISSUER, jwks },
          { issuer: ISSUER, jwks },
        ],
        audience: 'a',
      },
      'issuers.1.issuer',
      'stands there twice: the `iss` of a token chooses one',
    ],
    [
      'no audience',
      one({ jwks }, {}),
      'issuers.0',
      'does not say whom tokens are for: write audience, or anyAudience: true',
    ],
    [
      'a secret that is short',
      one({ secret: 'x'.repeat(31) }),
      'issuers.0.secret',
      'is shorter than the 32 octets that HS256 needs',
    ],
    [
      'a secret that is short for HS512',
      one({ secret: 'x'.repeat(63), algorithms: ['HS512'] }),
      'issuers.0.secret',
      'is shorter than the 64 octets that HS512 needs',
    ],
    [
      'algorithms for all that a secret is not for',
      one({ secret: 'x'.repeat(32) }, { audience: 'a', algorithms: ['ES256'] }),
      'issuers.0.algorithms',
      'has one that needs a public key, and there is a secret',
    ],
    [
      'a secret that is short for the algorithm of all',
      one({ secret: 'x'.repeat(63) }, { audience: 'a', algorithms: ['HS512'] }),
      'issuers.0.secret',
      'is shorter than the 64 octets that HS512 needs',
    ],
    [
      'HS256 for a provider',
      { provider: 'keycloak', algorithms: ['ES256', 'HS256'] },
      'algorithms',
      'has one that needs a secret, and a provider has none',
    ],
    [
      'HS256 without a secret',
      one({ jwks, algorithms: ['HS256'] }),
      'issuers.0.algorithms',
      'has one that needs a secret, and there is none',
    ],
    [
      'ES256 with a secret',
      one({ secret: 'x'.repeat(64), algorithms: ['HS256', 'ES256'] }),
      'issuers.0.algorithms',
      'has one that needs a public key, and there is a secret',
    ],
    [
      'a key that is none',
      one({ key: 'nothing' }),
      'issuers.0.key',
      'is not the PEM text of a public key or of a certificate',
    ],
    [
      'a key set without a usable key',
      one({
        jwks: {
          keys: [
            { kty: 'oct', k: 'AAAA' },
            { ...signer.jwk, use: 'enc' },
          ],
        },
      }),
      'issuers.0.jwks',
      'has no key that signatures are checked with',
    ],
  ] as const) {
    it(`have a check that refuses ${title}`, () => {
      const [problem] = checkJwt(jwtSchema.parse(options), around);
      const suggestion = problem?.suggestion === undefined ? '' : ` (${problem.suggestion})`;
      assert.deepEqual([problem?.path.join('.'), `${problem?.message}${suggestion}`], [path, message]);
    });
  }

  it('of a provider without a client need an audience', async () => {
    const providers = { a: { issuer: ISSUER } };
    await assert.rejects(AuthPlay.start('jwt', { provider: 'a' }, { providers }), {
      message: `the policy jwt cannot be made: issuer ${ISSUER}: nothing says whom its tokens must be for: write audience, or anyAudience: true`,
    });
  });
});
