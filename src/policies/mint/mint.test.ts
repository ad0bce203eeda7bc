import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { runPolicies, TestExchange } from '../../../test/support/exchange.ts';
import { principal } from '../../../test/support/principal.ts';
import { Turns } from '../../lib/turns.ts';
import { type Principal, VISITOR } from '../../policy/principal.ts';
import { compilePolicies, PolicyReader, validatePolicyUse } from '../compile.ts';
import { findIdentityFields } from '../identity-fields.ts';
import { nameKeys } from './keys.ts';
import { Minter } from './minter.ts';
import { mintSchema } from './schema.ts';

const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ED = generateKeyPairSync('ed25519');
const ISSUER = 'https://gateway.example.com';

const ALICE = principal({
  consumer: 'alice',
  subject: 'u-1',
  issuer: 'https://id.example.com',
  groups: ['staff'],
  scopes: ['read'],
  claims: { email: 'alice@example.com', verified: true, address: { country: 'CH' }, name: 'Zoë' },
});

/** Whatever is said of the policy, in a route of this service. */
async function compiled(name: string, options: object) {
  return compilePolicies([{ name, options }], {
    route: 'in',
    service: 'orders',
    warn: () => {},
    policyEvent: () => {},
  });
}

async function published(keys: readonly object[]): Promise<JSONWebKeySet> {
  const answer = await runPolicies(await compiled('mint-keys', { keys }), new TestExchange({}));
  assert.equal(answer?.headers?.['Content-Type'], 'application/jwk-set+json');
  return JSON.parse(String(answer?.body)) as JSONWebKeySet;
}

async function sent(
  options: object,
  { caller, headers = {} }: { caller: Principal | undefined; headers?: Record<string, string> } = {
    caller: ALICE,
  },
): Promise<TestExchange> {
  const exchange = Object.assign(new TestExchange({ headers, url: '/orders/1' }), { principal: caller });
  assert.equal(await runPolicies(await compiled('mint', options), exchange), undefined);
  return exchange;
}

suite('a service is told who calls by a token', () => {
  for (const [algorithm, { privateKey, publicKey }] of [
    ['ES256', EC],
    ['RS256', RSA],
    ['EdDSA', ED],
  ] as const) {
    test(`that ${algorithm} signs, and the published keys check`, async () => {
      const exchange = await sent(
        { keys: [{ key: pem(privateKey) }], issuer: ISSUER },
        { caller: ALICE, headers: { Authorization: 'Bearer of-the-client' } },
      );
      const value = exchange.request.fields.get('authorization') ?? '';
      assert.match(value, /^Bearer /);
      const keys = await published([{ key: pem(publicKey) }]);
      assert.ok(
        keys.keys.every((key) => !('d' in key)),
        'no private key is published',
      );
      assert.deepEqual(await published([{ key: pem(privateKey) }]), keys);
      const { payload, protectedHeader } = await jwtVerify(value.slice(7), createLocalJWKSet(keys), {
        issuer: ISSUER,
        audience: 'orders',
        algorithms: [algorithm],
      });
      assert.equal(protectedHeader.kid, keys.keys[0]?.kid);
      const { iat = 0, exp = 0, ...claims } = payload;
      assert.ok(exp - iat >= 60 && exp - iat <= 61);
      assert.deepEqual(claims, {
        iss: ISSUER,
        aud: 'orders',
        sub: 'u-1',
        consumer: 'alice',
        idp: 'https://id.example.com',
        groups: ['staff'],
      });
    });
  }

  test('with claims of the configuration: lists, objects and texts', async () => {
    const exchange = await sent({
      keys: [{ key: pem(EC.privateKey), id: 'k1' }],
      issuer: ISSUER,
      audience: 'them',
      header: 'X-Gateway-Token',
      claims: {
        sub: '${principal.consumer}',
        mail: '<${claims.email}>',
        verified: '${claims.verified}',
        address: '${claims.address}',
        scopes: '${principal.scopes}',
        roles: '${principal.roles}',
        name: '${claims.name}!',
        none: '${claims.none}',
        path: '${request.path}',
      },
    });
    const token = exchange.request.fields.get('x-gateway-token') ?? '';
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', kid: 'k1', typ: 'JWT' });
    const { payload } = await jwtVerify(token, EC.publicKey, { audience: 'them' });
    const { iss: _, aud: __, iat: ___, exp: ____, ...claims } = payload;
    assert.deepEqual(claims, {
      sub: 'alice',
      mail: '<alice@example.com>',
      verified: true,
      address: { country: 'CH' },
      scopes: ['read'],
      name: 'Zoë!',
      path: '/orders/1',
    });
  });

  test('after a rotation the tokens of the key before are still good', async () => {
    const before = await sent({ keys: [{ key: pem(EC.privateKey) }], issuer: ISSUER });
    const keys = [{ key: pem(ED.privateKey) }, { key: pem(EC.privateKey) }];
    const after = await sent({ keys, issuer: ISSUER });
    const set = createLocalJWKSet(await published(keys));
    for (const exchange of [before, after])
      await jwtVerify(exchange.request.fields.get('authorization')?.slice(7) ?? '', set, { issuer: ISSUER });
  });
});

suite('what a client sends in its place', () => {
  const keys = [{ key: pem(EC.privateKey) }];

  test('is taken off where nobody is known', async () => {
    for (const caller of [undefined, principal({ method: VISITOR, consumer: 'anonymous:x' })]) {
      const exchange = await sent(
        { keys, issuer: ISSUER },
        { caller, headers: { Authorization: 'Bearer forged' } },
      );
      assert.equal(exchange.request.fields.has('authorization'), false);
    }
  });

  test('is taken off on every route, but for Authorization', async () => {
    const use = (options: object) => ({ name: 'mint', options: { keys, issuer: ISSUER, ...options } });
    assert.equal(await findIdentityFields([use({})], new PolicyReader(), new Turns(1000)), undefined);
    assert.ok(
      await findIdentityFields([use({ header: 'X-Gateway-Token' })], new PolicyReader(), new Turns(1000)),
    );
  });
});

suite('a token', () => {
  async function minter(claims: Record<string, string>, clock: { ms: number }): Promise<Minter> {
    const options = mintSchema.parse({ keys: [{ key: pem(EC.privateKey) }], issuer: ISSUER, claims });
    const [key] = await nameKeys(options.keys);
    const settings = { key, issuer: ISSUER, audience: 'a', lifetimeMs: 60_000, claims: options.claims };
    return new Minter({ ...settings, nowMs: () => clock.ms });
  }
  const exchange = new TestExchange({});

  test('is signed once for all that come meanwhile, and used for half of its life', async () => {
    const clock = { ms: 1_000_000 };
    const one = await minter({ sub: '${principal.subject}' }, clock);
    const [token, meanwhile] = await Promise.all([
      one.tokenFor(exchange, ALICE),
      one.tokenFor(exchange, ALICE),
    ]);
    // Two signatures would differ: each has a random part.
    assert.equal(meanwhile, token);
    clock.ms += 29_999;
    assert.equal(one.tokenFor(exchange, ALICE), token);
    clock.ms += 1;
    const renewed = one.tokenFor(exchange, ALICE);
    assert.ok(renewed instanceof Promise);
    assert.notEqual(await renewed, token);
  });

  test('is another for another principal', async () => {
    const one = await minter({ sub: '${principal.subject}' }, { ms: 1_000_000 });
    assert.notEqual(
      await one.tokenFor(exchange, ALICE),
      await one.tokenFor(exchange, principal({ consumer: 'bob' })),
    );
  });

  test('is made for each request where it says something of it', async () => {
    const one = await minter({ id: '${request.id}' }, { ms: 1_000_000 });
    assert.notEqual(
      await one.tokenFor(exchange, ALICE),
      await one.tokenFor(new TestExchange({ id: 'request-2' }), ALICE),
    );
  });

  test('ends with what the caller was known by', async () => {
    const clock = { ms: 1_000_000 };
    const one = await minter({}, clock);
    const token = await one.tokenFor(exchange, principal({ expiresAtMs: 1_010_000 }));
    const { payload } = await jwtVerify(token, EC.publicKey, { currentDate: new Date(clock.ms) });
    assert.equal(payload.exp, 1010);
  });
});

test('keys and claims that would not do are refused, without a word of what they are', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const keys = [{ key: pem(EC.privateKey) }];
  for (const [options, path, message] of [
    [{ keys: [{ key: 'secret' }], issuer: 'a' }, ['keys', 0, 'key'], 'is not a private key in PEM'],
    [{ keys: [{ key: pem(EC.publicKey) }], issuer: 'a' }, ['keys', 0, 'key'], 'is not a private key in PEM'],
    [
      { keys: [{ key: pem(weak.privateKey) }], issuer: 'a' },
      ['keys', 0, 'key'],
      'is a key that is not used here: take EC (P-256, P-384, P-521), Ed25519, or RSA of at least 2048 bits',
    ],
    [
      { keys, issuer: 'a', claims: { iss: 'b' } },
      ['claims', 'iss'],
      'is a claim that the gateway itself sets',
    ],
    [{ keys, issuer: 'a', lifetime: '2h' }, ['lifetime'], 'is not from 5s to 1h'],
    [
      { keys, issuer: 'a', claims: { x: '${principal.subjct}' } },
      ['claims', 'x'],
      'there is no variable principal.subjct (character 1): did you mean ${principal.subject}?',
    ],
    [
      { keys, issuer: 'a', header: 'X-Forwarded-Access-Token' },
      ['header'],
      'X-Forwarded-Access-Token is of the X-Forwarded family, which only the policy identity-headers sets',
    ],
    [
      { keys: [...keys, ...keys], issuer: 'a' },
      [],
      /^the policy mint cannot be made: two keys have the id "[\w-]{43}"$/,
    ],
  ] as const) {
    const [problem, ...more] = await validatePolicyUse({ name: 'mint', options });
    assert.deepEqual([problem?.path, more], [path, []]);
    if (typeof message === 'string') assert.equal(problem?.message, message);
    else assert.match(problem?.message ?? '', message);
  }
});
