import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import { Discovery } from '../discovery/discovery.ts';
import { Issuers } from '../discovery/issuers.ts';
import { IssuerServer } from '../issuer-server.support.ts';
import type { FoundKeys } from './key-source.ts';
import { RemoteKeys } from './remote-keys.ts';
import { makeSigner, type Signer } from './tokens.support.ts';

const one = makeSigner('ES256', 'one');
const two = makeSigner('ES256', 'two');
const nameless = makeSigner('ES256', undefined);

interface Stage {
  readonly keys: RemoteKeys;
  readonly server: IssuerServer;
  readonly timers: FakeTimers;
  readonly log: string[];
  /** The `kid`s that are found for a token of this key. */
  find(kid: string | undefined): Promise<readonly (string | undefined)[] | 'unavailable'>;
}

async function play(act: (stage: Stage) => Promise<void>): Promise<void> {
  await using server = await IssuerServer.start();
  const timers = new FakeTimers();
  const log: string[] = [];
  const place = { timers, random: () => 0, log: (_: string, message: string) => void log.push(message) };
  const keys = new RemoteKeys({ name: 'p', issuer: server.url }, `${server.url}/jwks`, place);
  try {
    await act({
      keys,
      server,
      timers,
      log,
      async find(kid) {
        const found = await keys.find('ES256', kid);
        return found.kind === 'keys' ? found.keys.map((key) => key.kid) : found.kind;
      },
    });
  } finally {
    keys.close();
  }
}

function setOf(...signers: readonly Signer[]): object {
  return { keys: signers.map((signer) => signer.jwk) };
}

describe('The keys of an issuer', () => {
  it('are read once, however many want them', () =>
    play(async ({ server, find }) => {
      server.answer('/jwks', setOf(one, two));
      const found = await Promise.all(Array.from({ length: 50 }, () => find('one')));
      assert.deepEqual(new Set(found.flat()), new Set(['one']));
      assert.deepEqual(await find('two'), ['two']);
      assert.deepEqual(await find(undefined), ['one', 'two']);
      assert.deepEqual(server.requests, ['GET /jwks']);
    }));

  it('are read again for one that is not known, once however many tokens name it', () =>
    play(async ({ keys, server, find }) => {
      server.answer('/jwks', setOf(one));
      await find('one');
      server.answer('/jwks', setOf(one, two));
      assert.deepEqual(await find('two'), []);
      const again = await Promise.all(Array.from({ length: 50 }, () => keys.lookAgain('two')));
      assert.deepEqual(new Set(again), new Set([true]));
      assert.deepEqual(await find('two'), ['two']);
      assert.equal(server.count('/jwks'), 2);
    }));

  it('are read again where they were being read already when the new one was published', () =>
    play(async ({ keys, server, timers, find }) => {
      server.answer('/jwks', setOf(one));
      await find('one');
      const asked = Promise.withResolvers<void>();
      const answered = Promise.withResolvers<void>();
      server.answer('/jwks', (_: unknown, response: { end(text: string): void }) => {
        asked.resolve();
        void answered.promise.then(() => response.end(JSON.stringify(setOf(one))));
      });
      timers.advance(10 * 60_000);
      keys.touch();
      await asked.promise;
      const looked = Promise.all([keys.lookAgain('two'), keys.lookAgain('two')]);
      server.answer('/jwks', setOf(two));
      answered.resolve();
      assert.deepEqual(await looked, [true, true]);
      assert.deepEqual(await find('two'), ['two']);
      assert.equal(server.count('/jwks'), 3);
    }));

  it('are read four times at once and then every 15 s for a flood of keys that are not there', () =>
    play(async ({ keys, server, timers, find }) => {
      server.answer('/jwks', setOf(one));
      await find('one');
      for (let i = 0; i < 200; i++) await keys.lookAgain(`flood-${i}`);
      assert.equal(server.count('/jwks'), 1 + 4);
      timers.advance(14_999);
      for (let i = 200; i < 400; i++) await keys.lookAgain(`flood-${i}`);
      assert.equal(server.count('/jwks'), 1 + 4);
      timers.advance(1);
      for (let i = 400; i < 600; i++) await keys.lookAgain(`flood-${i}`);
      assert.equal(server.count('/jwks'), 1 + 5);
      // An hour of it: one every 15 s and no more, beside those that are old after ten minutes.
      for (let second = 0; second < 3600; second++) {
        timers.advance(1000);
        keys.touch();
        await keys.lookAgain(`flood-at-${second}`);
      }
      assert.ok(server.count('/jwks') <= 1 + 5 + 240 + 6, String(server.count('/jwks')));
      // The issuer's own keys were there all the time.
      assert.deepEqual(await find('one'), ['one']);
    }));

  it('are not read again for a key that was just not found', () =>
    play(async ({ keys, server, timers, find }) => {
      server.answer('/jwks', setOf(one));
      await find('one');
      assert.equal(await keys.lookAgain('lost'), true);
      for (let i = 0; i < 10; i++) assert.equal(await keys.lookAgain('lost'), false);
      assert.equal(server.count('/jwks'), 2);
      timers.advance(30_000);
      assert.equal(await keys.lookAgain('lost'), true);
      assert.equal(server.count('/jwks'), 3);
    }));

  it('without names are read again once in 30 s for tokens without one', () =>
    play(async ({ keys, server, timers, find }) => {
      server.answer('/jwks', setOf(nameless));
      await find(undefined);
      assert.deepEqual([await keys.lookAgain(undefined), await keys.lookAgain(undefined)], [true, false]);
      assert.equal(server.count('/jwks'), 2);
      timers.advance(30_000);
      assert.equal(await keys.lookAgain(undefined), true);
    }));

  it('stay while they cannot be read again, and a key that is not known is then nobody’s fault', () =>
    play(async ({ keys, server, timers, log, find }) => {
      server.answer('/jwks', setOf(one));
      await find('one');
      server.answer('/jwks', 500);
      const away = await keys.lookAgain('two');
      assert.equal(typeof away === 'object' && away.kind, 'unavailable');
      assert.deepEqual(await find('one'), ['one']);
      for (let i = 0; i < 20; i++) assert.notEqual(await keys.lookAgain(`more-${i}`), true);
      assert.equal(server.count('/jwks'), 2);
      assert.equal(log.length, 1);
      server.answer('/jwks', setOf(two));
      timers.advance(500);
      while ((await find('two'))[0] !== 'two') await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(log[1], 'the keys of provider p: read again, after 1 failures');
    }));

  for (const [title, answer, cause] of [
    [
      'no JSON',
      (_: unknown, response: { end(text: string): void }) => response.end('<html>'),
      'answered with something that is not JSON',
    ],
    ['no key set', { keys: {} }, 'is not a JSON Web Key Set'],
    [
      'no key of use',
      { keys: [{ kty: 'oct', k: 'AAAA' }, null, 7, { kty: 'EC' }] },
      'has no key that signatures are checked with',
    ],
    ['101 keys', { keys: Array.from({ length: 101 }, () => one.jwk) }, 'has more than 100 keys'],
    [
      'more than 256 KiB',
      { keys: [one.jwk], more: 'x'.repeat(256 * 1024) },
      'answered with more than 262144 bytes',
    ],
    [
      'a redirect',
      (_: unknown, response: { writeHead(status: number, headers: object): { end(): void } }) =>
        response.writeHead(302, { location: '/other' }).end(),
      'answered 302',
    ],
  ] as const) {
    it(`that are ${title} are none`, () =>
      play(async ({ server, log, find }) => {
        server.answer('/jwks', answer);
        server.answer('/other', setOf(one));
        assert.equal(await find('one'), 'unavailable');
        assert.ok(log[0]?.includes(cause), log[0]);
        assert.equal(server.count('/other'), 0);
      }));
  }

  it('leave out what signatures are not checked with', () =>
    play(async ({ keys, server }) => {
      const rsa = makeSigner('RS256', 'rsa');
      const small = { kty: 'RSA', kid: 'small', n: Buffer.alloc(128, 0xff).toString('base64url'), e: 'AQAB' };
      server.answer('/jwks', {
        keys: [
          { ...one.jwk, kid: 'encrypts', use: 'enc' },
          { ...one.jwk, kid: 'wraps', key_ops: ['wrapKey'] },
          { ...one.jwk, kid: 'private', d: 'AAAA' },
          { ...one.jwk, kid: 'of-es384', alg: 'ES384' },
          { ...rsa.jwk, kid: 'of-ps256', alg: 'PS256' },
          small,
          rsa.jwk,
          one.jwk,
        ],
      });
      const namesFor = async (algorithm: string) =>
        ((await keys.find(algorithm, undefined)) as FoundKeys).keys.map((key) => key.kid);
      assert.deepEqual(await namesFor('ES256'), ['one']);
      assert.deepEqual(await namesFor('RS256'), ['rsa']);
      assert.deepEqual(await namesFor('PS256'), ['of-ps256', 'rsa']);
      assert.deepEqual(await namesFor('ES384'), []);
      assert.deepEqual(await namesFor('HS256'), []);
    }));

  it('are those of the address that the metadata have', async () => {
    await using server = await IssuerServer.start();
    const timers = new FakeTimers();
    const issuers = new Issuers({ timers, random: () => 0, log: () => {} });
    server.answer('/.well-known/openid-configuration', 500);
    server.answer('/keys', setOf(one));
    const link = { name: 'p', issuer: server.url };
    const lease = issuers.keys(link);
    const second = issuers.keys(link);
    assert.equal(second.value, lease.value);
    assert.equal((await lease.value.find('ES256', 'one')).kind, 'unavailable');
    server.answer('/.well-known/openid-configuration', {
      issuer: server.url,
      jwks_uri: `${server.url}/keys`,
    });
    timers.advance(500);
    while ((await lease.value.find('ES256', 'one')).kind !== 'keys')
      await new Promise((resolve) => setImmediate(resolve));
    second.close();
    second.close();
    assert.equal((await lease.value.find('ES256', 'one')).kind, 'keys');
    lease.close();
    const other = issuers.discovery(link);
    assert.ok(other.value instanceof Discovery);
    other.close();
    assert.deepEqual(timers.waiting, []);
  });
});
