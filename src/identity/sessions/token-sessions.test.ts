import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import {
  type GrantTokens,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  RedemptionUnknown,
} from '../providers/provider.ts';
import { MemoryRecords } from './memory-records.support.ts';
import { sessionSchema } from './schema.ts';
import type { SessionFinding } from './session.ts';
import { Sessions } from './sessions.ts';
import { principalOf } from './user-principal.ts';

const SENT = 'offline-token-of-alice';
const ISSUER = 'https://id.example.com';

/** What a provider does with the refresh token that it is shown. */
type Redeem = () => Partial<GrantTokens>;
const ROTATES: Redeem = () => ({ refreshToken: 'the-next-one' });
const KEEPS: Redeem = () => ({ refreshToken: SENT });
const REFUSES: Redeem = () => {
  throw new ProviderRefused('invalid_grant', 'it has ended');
};
const IS_AWAY: Redeem = () => {
  throw new ProviderUnavailable('it does not answer');
};
const SAYS_NOTHING: Redeem = () => {
  throw new RedemptionUnknown('its answer was lost');
};

class Play {
  now = 1000;
  redeemed = 0;
  readonly records = new MemoryRecords(() => this.now);
  /** What redeeming waits for. */
  before: (token: string) => Promise<void> = async () => {};
  readonly #sessions: Sessions;
  #redeem: Redeem;

  constructor(redeem: Redeem, reusesRefreshTokens?: boolean) {
    this.#redeem = redeem;
    const config = sessionSchema.parse({
      login: ['keycloak'],
      keys: ['k'.repeat(32)],
      recognise: ['refresh'],
      idleTimeout: '30m',
    });
    const provider: Pick<Provider, 'name' | 'refresh' | 'user' | 'reusesRefreshTokens'> = {
      name: 'keycloak',
      reusesRefreshTokens,
      refresh: async ({ refreshToken = '' }) => {
        this.redeemed++;
        await this.before(refreshToken);
        return {
          accessToken: `access-token-${this.redeemed}`,
          tokenType: 'bearer',
          expiresAtMs: this.now + 60_000,
          scopes: [],
          ...this.#redeem(),
        };
      },
      user: async () => ({ issuer: ISSUER, subject: 'alice', claims: {} }),
    };
    this.#sessions = new Sessions('web', config, {
      records: this.records,
      nowMs: () => this.now,
      log: () => {},
      provider: () => provider as Provider,
      principal: (id, content) => principalOf(id, content, undefined, undefined),
    });
  }

  /** What comes of the program's next request, so long after its last. */
  async next(afterMs: number, redeem: Redeem = this.#redeem): Promise<SessionFinding['kind']> {
    this.now += afterMs;
    this.#redeem = redeem;
    return this.kind(SENT);
  }

  /** What comes of a request with this token. */
  async kind(token: string, clientAddress?: string): Promise<SessionFinding['kind']> {
    const headers = { Authorization: `Bearer ${token}` };
    const { request, client } = exchangeFor({ headers, ...(clientAddress && { clientAddress }) });
    return (await this.#sessions.find(request, client)).kind;
  }
}

const SOON_MS = 61_000;
const IDLE_MS = 31 * 60_000;
const LONG_MS = 90 * 86_400_000;

describe('A refresh token that opened a session', () => {
  it('is not redeemed again when that has ended, where the provider gave another in its place', async () => {
    const play = new Play(ROTATES);
    assert.equal(await play.next(0), 'known');
    assert.equal(await play.next(IDLE_MS), 'refused');
    assert.equal(await play.next(LONG_MS), 'refused');
    assert.equal(play.redeemed, 1);
    assert.ok(!play.records.dump.includes(SENT));
  });

  for (const [what, redeem, reuses] of [
    ['the provider left it as it was', KEEPS, undefined],
    ['the configuration says that the provider takes it again', ROTATES, true],
  ] as const)
    it(`opens another when that has ended, where ${what}`, async () => {
      const play = new Play(redeem, reuses);
      assert.equal(await play.next(0), 'known');
      assert.equal(await play.next(IDLE_MS), 'known');
      assert.equal(play.redeemed, 2);
    });

  it('is not redeemed again where the answer was lost', async () => {
    const play = new Play(SAYS_NOTHING);
    assert.equal(await play.next(0), 'unavailable');
    // Another worker may wait for the answer still.
    assert.equal(await play.next(6000, ROTATES), 'unavailable');
    assert.equal(await play.next(SOON_MS), 'refused');
    assert.equal(play.redeemed, 1);
  });

  it('is redeemed again where the answer was lost and the provider takes it again', async () => {
    const play = new Play(SAYS_NOTHING, true);
    assert.equal(await play.next(0), 'unavailable');
    assert.equal(await play.next(6000, ROTATES), 'known');
  });

  for (const [what, redeem, kind] of [
    ['was away', IS_AWAY, 'unavailable'],
    ['refused it for a while', REFUSES, 'refused'],
  ] as const)
    it(`is redeemed again where the provider ${what}`, async () => {
      const play = new Play(redeem);
      assert.equal(await play.next(0), kind);
      assert.equal(await play.next(SOON_MS, ROTATES), 'known');
      assert.equal(play.redeemed, 2);
    });
});

describe('Made-up tokens', () => {
  const jwt = (claims: object): string =>
    `${[{ alg: 'HS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;

  it('of one network keep no program of another waiting, and are asked about two at a time', async () => {
    const play = new Play(ROTATES);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    play.before = async (token) => {
      if (token !== SENT) await held;
    };
    const flood = Array.from({ length: 200 }, (_, i) =>
      play.kind(`made-up-token-number-${i}`, `192.0.2.${i % 2}`),
    );
    await new Promise(setImmediate);
    assert.equal(await play.kind(SENT, '198.51.100.1'), 'known');
    assert.equal(play.redeemed, 5);
    release();
    const kinds = await Promise.all(flood);
    assert.deepEqual([kinds.filter((kind) => kind === 'unavailable').length, play.redeemed], [156, 45]);
  });

  for (const [what, token, asked] of [
    ['an access token', jwt({ typ: 'Bearer' }), 0],
    ['an ID token', jwt({ token_use: 'id' }), 0],
    ['one that is over', jwt({ exp: -100 }), 0],
    ['a refresh token', jwt({ typ: 'Refresh', exp: 100 }), 1],
    ['an offline token', jwt({ typ: 'Offline' }), 1],
    ['one that says nothing', jwt({}), 1],
  ] as const)
    it(`${asked === 0 ? 'are not shown to' : 'are shown to'} the provider where they say that they are ${what}`, async () => {
      const play = new Play(REFUSES);
      assert.equal(await play.kind(token), 'refused');
      assert.equal(play.redeemed, asked);
    });
});
