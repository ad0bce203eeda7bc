import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type GrantTokens,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  RedemptionUnknown,
} from '../providers/provider.ts';
import { KeyRing } from '../sessions/key-ring.ts';
import { MemoryRecords } from '../sessions/memory-records.support.ts';
import type { Session } from '../sessions/session.ts';
import type { GrantFinding } from './grant-finding.ts';
import { GrantStore } from './grant-store.ts';
import { Grants } from './grants.ts';

const KEY = 'k'.repeat(32);

/** A provider whose refresh tokens are good for one redemption: a second ends the grant, as RFC 9700 section 4.14.2 wants it. */
class RotatingProvider implements Provider {
  readonly name = 'keycloak';
  readonly issuer = 'https://id.example.com';
  readonly redeemed: string[] = [];
  /** Called before a token is redeemed. */
  before: () => Promise<void> = async () => {};
  /** Called after it was, before the answer. */
  after: () => Promise<void> = async () => {};
  generation = 1;
  isOver = false;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get tokens(): GrantTokens {
    return {
      accessToken: `access-${this.generation}`,
      tokenType: 'bearer',
      refreshToken: `refresh-${this.generation}`,
      expiresAtMs: this.#now() + 100_000,
      scopes: ['openid'],
    };
  }

  async refresh({ refreshToken = '' }: GrantTokens): Promise<GrantTokens> {
    await this.before();
    this.redeemed.push(refreshToken);
    if (refreshToken !== `refresh-${this.generation}`) this.isOver = true;
    if (this.isOver) throw new ProviderRefused('invalid_grant', 'the token is used up');
    this.generation++;
    const tokens = this.tokens;
    await this.after();
    return tokens;
  }

  authorizationUrl = () => Promise.reject(new Error('unused'));
  redeem = () => Promise.reject(new Error('unused'));
  user = () => Promise.reject(new Error('unused'));
}

class Play {
  now = 1_000_000;
  readonly records = new MemoryRecords(() => this.now);
  readonly provider = new RotatingProvider(() => this.now);
  readonly session = {
    id: 'session-1',
    secret: Buffer.alloc(32, 7),
    endsAtMs: this.now + 10_000_000,
  } as Session;
  readonly lines: string[] = [];
  /** Whether time goes on by as much as somebody waits. */
  waitingTakesTime = true;

  /** What a worker has. */
  worker(keys: readonly string[] = [KEY]): Grants {
    const store = new GrantStore(this.records, new KeyRing(keys), () => this.now);
    return new Grants(store, {
      nowMs: () => this.now,
      log: (_level, message) => this.lines.push(message),
      provider: () => this.provider,
      random: () => 0.5,
      pause: async (ms) => {
        if (this.waitingTakesTime) this.now += ms;
        await new Promise(setImmediate);
      },
    });
  }

  async start(): Promise<Grants> {
    const worker = this.worker();
    await worker.store.put(this.session, 'keycloak', this.provider.tokens);
    return worker;
  }
}

function token(finding: GrantFinding): string {
  return finding.kind === 'known' ? finding.grant.accessToken : finding.kind;
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

describe('A grant', () => {
  it('is at hand at once when it is known', async () => {
    const play = new Play();
    const worker = await play.start();
    await worker.current(play.session, 'keycloak');
    const finding = worker.current(play.session, 'keycloak');
    assert.ok(!(finding instanceof Promise));
    assert.equal(token(finding), 'access-1');
  });

  it('that was never given is missing', async () => {
    const play = new Play();
    assert.deepEqual(await play.worker().current(play.session, 'gitlab'), { kind: 'missing' });
  });

  it('is renewed before it ends, while the old token serves', async () => {
    const play = new Play();
    const worker = await play.start();
    await worker.current(play.session, 'keycloak');
    play.now += 79_000;
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-1');
    assert.deepEqual(play.provider.redeemed, []);
    play.now += 16_000;
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-1');
    await worker.settled();
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-2');
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
  });

  it('is renewed once for many requests in many workers at the moment of its end', async () => {
    const play = new Play();
    await play.start();
    const workers = Array.from({ length: 4 }, () => play.worker());
    play.waitingTakesTime = false;
    play.provider.before = () => turns(20);
    play.provider.after = () => turns(20);
    for (const generation of [2, 3, 4]) {
      play.now += 100_001;
      const found = await Promise.all(
        Array.from({ length: 500 }, async (_, i) => workers[i % 4]?.current(play.session, 'keycloak')),
      );
      assert.deepEqual(
        [...new Set(found.map((finding) => token(finding as GrantFinding)))],
        [`access-${generation}`],
      );
    }
    assert.deepEqual(play.provider.redeemed, ['refresh-1', 'refresh-2', 'refresh-3']);
  });

  it('is renewed by another when its renewer died, not before its answer could have come', async () => {
    const play = new Play();
    await play.start();
    const dead = play.worker();
    play.now += 100_001;
    const silence = Promise.withResolvers<void>();
    play.provider.before = () => silence.promise;
    const lost = dead.current(play.session, 'keycloak');
    await turns(10);
    // A process that is gone renews no lease.
    play.records.renew = async () => false;
    play.provider.before = async () => {};
    const beganAtMs = play.now;
    assert.equal(token(await play.worker().current(play.session, 'keycloak')), 'access-2');
    assert.ok(play.now - beganAtMs >= 6000 && play.now - beganAtMs < 7000, `${play.now - beganAtMs}`);
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
    silence.reject(new Error('the end of the test'));
    await lost;
  });

  it('whose renewer died after the provider had redeemed it is tried once more, and then has to be connected', async () => {
    const play = new Play();
    await play.start();
    const dead = play.worker();
    play.now += 100_001;
    const silence = Promise.withResolvers<void>();
    play.provider.after = () => silence.promise;
    const lost = dead.current(play.session, 'keycloak');
    await turns(10);
    play.records.renew = async () => false;
    play.provider.after = async () => {};
    for (const worker of [play.worker(), play.worker()])
      assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'missing' });
    assert.deepEqual(play.provider.redeemed, ['refresh-1', 'refresh-1']);
    await dead.store.put(play.session, 'keycloak', { ...play.provider.tokens, accessToken: 'connected' });
    // What comes after all, of a node that only seemed dead, is nobody's.
    silence.resolve();
    assert.equal(token(await lost), 'connected');
    assert.equal(token(await play.worker().current(play.session, 'keycloak')), 'connected');
  });

  it('that was renewed while the store was away is written when it is back', async () => {
    const play = new Play();
    const worker = await play.start();
    play.now += 100_001;
    play.provider.after = async () => {
      play.records.isAway = true;
    };
    const pending = worker.current(play.session, 'keycloak');
    await turns(50);
    play.records.isAway = false;
    assert.equal(token(await pending), 'access-2');
    assert.equal(token(await play.worker().current(play.session, 'keycloak')), 'access-2');
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
  });

  it('whose write was not answered is found written', async () => {
    const play = new Play();
    const worker = await play.start();
    play.now += 100_001;
    const replace = play.records.replace.bind(play.records);
    play.provider.after = async () => {
      play.records.replace = async (...args) => {
        await replace(...args);
        play.records.replace = replace;
        play.records.isAway = true;
        await turns(1);
        return replace(...args).finally(() => {
          play.records.isAway = false;
        });
      };
    };
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-2');
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
  });

  it('is not redeemed while the store is away', async () => {
    const play = new Play();
    const worker = await play.start();
    await worker.current(play.session, 'keycloak');
    play.now += 100_001;
    play.records.isAway = true;
    assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'unavailable', ofStore: true });
    assert.deepEqual(play.provider.redeemed, []);
  });

  it('whose key was replaced meanwhile is written all the same', async () => {
    const play = new Play();
    const [old, fresh] = [KEY, 'n'.repeat(32)];
    await play.start();
    const worker = play.worker([old, fresh]);
    const rotated = play.worker([fresh, old]);
    play.now += 100_001;
    play.provider.before = async () => {
      await rotated.store.read(play.session, 'keycloak');
      await turns(2);
    };
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-2');
    assert.equal(token(await play.worker().current(play.session, 'keycloak')), 'access-2');
  });

  it('is dropped alone when the provider renews it no more', async () => {
    const play = new Play();
    const worker = await play.start();
    await worker.store.put(play.session, 'gitlab', play.provider.tokens);
    play.provider.isOver = true;
    play.now += 100_001;
    assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'missing' });
    assert.equal(play.records.kept.has('g:session-1:gitlab'), true);
    assert.equal(play.records.kept.has('g:session-1:keycloak'), false);
  });

  it('of a provider that is down serves while it is good, then is unavailable, then recovers', async () => {
    const play = new Play();
    const worker = await play.start();
    await worker.current(play.session, 'keycloak');
    let asked = 0;
    play.provider.before = async () => {
      asked++;
      throw new ProviderUnavailable('away');
    };
    play.now += 95_000;
    for (let i = 0; i < 10; i++) {
      assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-1');
      await worker.settled();
    }
    assert.equal(asked, 1);
    play.now += 6000;
    assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'unavailable', ofStore: false });
    assert.equal(asked, 2);
    assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'unavailable', ofStore: false });
    assert.equal(asked, 2);
    play.provider.before = async () => {};
    play.now += 2000;
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-2');
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
  });

  it('whose answer was lost is not redeemed again: its token serves until its end, then the user has to connect', async () => {
    const play = new Play();
    const [worker, other] = [await play.start(), play.worker()];
    await worker.current(play.session, 'keycloak');
    play.provider.after = () => Promise.reject(new RedemptionUnknown('it broke'));
    play.now += 95_000;
    for (let i = 0; i < 5; i++) {
      for (const one of [worker, other]) {
        assert.equal(token(await one.current(play.session, 'keycloak')), 'access-1');
        await one.settled();
      }
      play.now += 900;
    }
    const refused = await worker.current(play.session, 'keycloak');
    assert.ok(refused.kind === 'known');
    assert.equal(token(await worker.replaced(play.session, refused.grant)), 'missing');
    play.now += 1000;
    for (const one of [worker, other, play.worker()])
      assert.deepEqual(await one.current(play.session, 'keycloak'), { kind: 'missing' });
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
    assert.deepEqual(play.lines, [
      'provider keycloak may have renewed a grant, which is not tried again: it broke',
    ]);
    await worker.store.put(play.session, 'keycloak', play.provider.tokens);
    assert.equal(token(await other.current(play.session, 'keycloak')), 'access-2');
  });

  it('whose answer was lost at its end is missing for all who wait, also while the store is away', async () => {
    const play = new Play();
    await play.start();
    const workers = [play.worker(), play.worker()];
    play.waitingTakesTime = false;
    play.now += 100_001;
    play.provider.after = async () => {
      play.records.isAway = true;
      throw new RedemptionUnknown('it broke');
    };
    const found = workers.map(async (one) => one.current(play.session, 'keycloak'));
    await turns(50);
    play.records.isAway = false;
    assert.deepEqual((await Promise.all(found)).map(token), ['missing', 'missing']);
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
  });

  it('whose answer was lost does not take the place of one that was connected meanwhile', async () => {
    const play = new Play();
    const worker = await play.start();
    play.now += 100_001;
    play.provider.after = async () => {
      await worker.store.put(play.session, 'keycloak', { ...play.provider.tokens, accessToken: 'connected' });
      throw new RedemptionUnknown('it broke');
    };
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'connected');
    assert.equal(token(await play.worker().current(play.session, 'keycloak')), 'connected');
  });

  for (const [why, learn] of [
    ['as the configuration says', false],
    ['as its last renewal showed', true],
  ] as const)
    it(`whose answer was lost is redeemed again where that may be, ${why}`, async () => {
      const play = new Play();
      const worker = await play.start();
      let lost = false;
      Object.assign(play.provider, {
        reusesRefreshTokens: learn ? undefined : true,
        refresh: async (): Promise<GrantTokens> => {
          play.provider.redeemed.push('refresh-1');
          if (lost) throw new RedemptionUnknown('it broke');
          play.provider.generation++;
          return { ...play.provider.tokens, refreshToken: 'refresh-1' };
        },
      });
      play.now += 100_001;
      if (learn) {
        assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-2');
        play.now += 100_001;
      }
      lost = true;
      assert.equal(token(await worker.current(play.session, 'keycloak')), 'unavailable');
      lost = false;
      play.now += 2000;
      assert.equal(token(await worker.current(play.session, 'keycloak')), learn ? 'access-3' : 'access-2');
      assert.equal(play.provider.redeemed.length, learn ? 3 : 2);
    });

  it('of a session that ends meanwhile is given back', async () => {
    const play = new Play();
    const worker = await play.start();
    play.now += 100_001;
    const revoked: string[] = [];
    Object.assign(play.provider, {
      revoke: async (tokens: GrantTokens) => void revoked.push(tokens.accessToken),
    });
    play.provider.after = () => play.records.remove(['g:session-1:keycloak']);
    assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'missing' });
    assert.deepEqual(revoked, ['access-2']);
    assert.equal(play.records.kept.size, 0);
  });

  it('that a service refused is renewed once, unless it is new', async () => {
    const play = new Play();
    const worker = await play.start();
    const found = await worker.current(play.session, 'keycloak');
    assert.equal(found.kind, 'known');
    if (found.kind !== 'known') return;
    assert.equal(token(await worker.replaced(play.session, found.grant)), 'access-1');
    play.now += 20_000;
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => worker.replaced(play.session, found.grant)),
    );
    assert.deepEqual([...new Set(all.map(token))], ['access-2']);
    assert.equal(token(await worker.replaced(play.session, found.grant)), 'access-2');
    assert.deepEqual(play.provider.redeemed, ['refresh-1']);
  });

  it('without a refresh token that a service refused is missing there, unless it is new or was connected again', async () => {
    const play = new Play();
    const [worker, other] = [play.worker(), play.worker()];
    const { refreshToken: _, ...tokens } = play.provider.tokens;
    await worker.store.put(play.session, 'keycloak', tokens);
    const refused = await worker.current(play.session, 'keycloak');
    assert.ok(refused.kind === 'known');
    const replaced = async (one: Grants) => token(await one.replaced(play.session, refused.grant));
    assert.equal(await replaced(worker), 'access-1');
    play.now += 20_000;
    assert.deepEqual([await replaced(worker), await replaced(other)], ['missing', 'missing']);
    // Other services may take it still.
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-1');
    play.records.isAway = true;
    assert.equal(await replaced(worker), 'unavailable');
    play.records.isAway = false;
    await other.store.put(play.session, 'keycloak', { ...tokens, accessToken: 'connected' });
    assert.deepEqual([await replaced(worker), await replaced(other)], ['connected', 'connected']);
    assert.deepEqual(play.provider.redeemed, []);
  });

  it('without a refresh token is missing once it has ended', async () => {
    const play = new Play();
    const worker = play.worker();
    const { refreshToken: _, ...tokens } = play.provider.tokens;
    await worker.store.put(play.session, 'keycloak', tokens);
    play.now += 99_000;
    assert.equal(token(await worker.current(play.session, 'keycloak')), 'access-1');
    play.now += 1000;
    assert.deepEqual(await worker.current(play.session, 'keycloak'), { kind: 'missing' });
  });
});
