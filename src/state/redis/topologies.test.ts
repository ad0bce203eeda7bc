import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { RedisServer } from '../../../test/support/redis.ts';
import {
  PASSWORD,
  type RedisClusterServers,
  type SentinelServers,
  startRedisCluster,
  startSentinels,
  until,
} from '../../../test/support/redis-groups.ts';
import type { Limit, Turn, Verdict } from '../limiter.ts';
import { RedisQuotas } from '../quota/redis-quotas.ts';
import { limitOf } from '../shared/limiter.support.ts';
import { type ConnectionSettings, RedisConnection } from './connection.ts';
import { RedisLimiter } from './redis-limiter.ts';
import { decisionScript } from './script.ts';

const HOUR_MS = 3_600_000;
/** All that one decision may have: each algorithm. */
const LIMITS = [
  limitOf({ id: 'gcra', quota: 10, windowMs: HOUR_MS }),
  limitOf({ id: 'window', algorithm: 'sliding-window', quota: 10, windowMs: HOUR_MS }),
  limitOf({ id: 'under way', algorithm: 'concurrency', quota: 10, windowMs: 0 }),
];

/** Two nodes of a gateway that count in one Redis. */
class Play {
  readonly logged: string[] = [];
  readonly #nodes: readonly { readonly connection: RedisConnection; readonly limiter: RedisLimiter }[];

  constructor(settings: Pick<ConnectionSettings, 'sentinels' | 'cluster'>) {
    const all: ConnectionSettings = { timeout: 1000, connectTimeout: 2000, ...settings };
    this.#nodes = Array.from({ length: 2 }, () => {
      const connection = new RedisConnection(all, decisionScript(), (level, message, detail) =>
        this.logged.push(`${level}: ${message} ${inspect(detail)}`),
      );
      return { connection, limiter: new RedisLimiter(connection, 'p:') };
    });
  }

  get connection(): RedisConnection {
    return this.#nodes[0]?.connection ?? assert.fail();
  }

  get limiter(): RedisLimiter {
    return this.#nodes[0]?.limiter ?? assert.fail();
  }

  async ready(): Promise<void> {
    await Promise.all(this.#nodes.map(({ connection }) => connection.ready()));
  }

  /** Asks the nodes in turn. */
  async take(key: string, limits: readonly Limit[] = LIMITS, at = 0): Promise<Verdict> {
    const decision = this.#nodes[at % 2]?.limiter.decision(limits) ?? assert.fail();
    for (const charge of decision.charges) charge.key = key;
    return decision.take();
  }

  /** How many of so many at the same time end in each way. */
  async takeMany(key: string, count: number): Promise<Record<string, number>> {
    const verdicts = await Promise.all(Array.from({ length: count }, (_, i) => this.take(key, LIMITS, i)));
    const counted: Record<string, number> = {};
    for (const verdict of verdicts) counted[verdict] = (counted[verdict] ?? 0) + 1;
    return counted;
  }

  async close(): Promise<void> {
    for (const { limiter, connection } of this.#nodes) {
      limiter.close();
      await connection.close();
    }
  }
}

describe('Limits in a Redis Cluster', { timeout: 120_000 }, () => {
  let cluster: RedisClusterServers;
  let play: Play;
  before(async () => {
    cluster = await startRedisCluster();
    play = new Play({ cluster: { nodes: [...cluster.urls] } });
    await play.ready();
  });
  after(async () => {
    await play?.close();
    await cluster?.close();
  });

  it('are exact over nodes, for every key, and spread over its servers', async () => {
    for (let i = 0; i < 12; i++)
      assert.deepEqual(await play.takeMany(`key-${i}`, 25), { taken: 10, refused: 15 }, `key-${i}`);
    for (const server of cluster.servers.slice(0, 3)) {
      const keys = (await server.send('KEYS', 'p:limit:*')) as string[];
      assert.ok(keys.length > 0);
      for (const key of keys) assert.ok(((await server.send('PTTL', key)) as number) > 0, key);
    }
    assert.deepEqual(play.logged, []);
  });

  it('of different keys are counted in one decision that names their slot', async () => {
    const limits = ['one', 'other'].map((id) => ({
      ...limitOf({ id, quota: 10, windowMs: HOUR_MS }),
      sharedSlot: 'route/x',
    }));
    for (let i = 0; i < 10; i++) assert.equal(await play.take('shared', limits), 'taken');
    assert.equal(await play.take('shared', limits), 'refused');
  });

  it('are decided in one question as long as they lie in one slot', async () => {
    const { limiter } = play;
    const turns = ['same', 'same', 'elsewhere', 'same'].map((key, i): Turn => {
      const decision = limiter.decision([limitOf({ id: `turn ${i}`, quota: 1, windowMs: HOUR_MS })]);
      for (const charge of decision.charges) charge.key = key;
      return { decision, along: undefined, ifFull: i === 0 ? 'pass' : 'refuse', verdict: undefined };
    });
    const rounds = [];
    for (let i = 0; i < 2; i++) {
      await limiter.takeInTurn(turns);
      rounds.push(turns.map(({ verdict }) => verdict));
    }
    assert.deepEqual(rounds, [
      ['taken', 'taken', undefined, undefined],
      ['refused', 'refused', undefined, undefined],
    ]);
    await limiter.takeInTurn(turns.slice(2));
    assert.deepEqual(
      turns.slice(2).map(({ verdict }) => verdict),
      ['taken', undefined],
    );
    assert.deepEqual(play.logged, []);
  });

  it('stand beside quotas', async () => {
    const quotas = new RedisQuotas(play.connection, 'p:');
    for (let i = 0; i < 6; i++) assert.notEqual(await quotas.read('gold', `consumer ${i}`), undefined);
  });

  it('are known to a server that forgot the script', async () => {
    for (const server of cluster.servers.slice(0, 3)) await server.send('SCRIPT', 'FLUSH');
    for (let i = 0; i < 6; i++)
      assert.deepEqual(await play.takeMany(`flushed-${i}`, 25), { taken: 10, refused: 15 });
  });

  it('are counted by the other servers while one hangs, and by its replica soon after', async () => {
    const [first] = cluster.servers as [RedisServer];
    const onFirst = await keyOn(play, first, true);
    const elsewhere = await keyOn(play, first, false);
    first.pause();
    try {
      const [lost, kept] = await Promise.all([play.take(onFirst), play.take(elsewhere)]);
      assert.deepEqual([lost, kept], ['unavailable', 'taken']);
      await until(async () => (await play.take(onFirst)) !== 'unavailable');
    } finally {
      first.resume();
    }
    assert.doesNotMatch(play.logged.join('\n'), /sesame/);
  });
});

describe('Limits in a Redis behind sentinels', { timeout: 120_000 }, () => {
  let sentinels: SentinelServers;
  let play: Play;
  before(async () => {
    sentinels = await startSentinels();
    const { name, urls } = sentinels;
    const nodes = ['redis://127.0.0.1:1', ...urls];
    play = new Play({ sentinels: { name, nodes, password: PASSWORD, database: 0 } });
    await play.ready();
  });
  after(async () => {
    await play?.close();
    await sentinels?.close();
  });

  it('are exact over nodes, and one sentinel that is away is nobody’s loss', async () => {
    assert.deepEqual(await play.takeMany('key', 25), { taken: 10, refused: 15 });
    assert.deepEqual(play.logged, []);
  });

  it('go on at the replica when it has become the primary, with what was counted', async () => {
    await sentinels.primary.send('WAIT', '1', '1000');
    await sentinels.primary.kill();
    await until(async () => (await play.take('another')) === 'taken');
    assert.equal(await play.take('key'), 'refused');
    assert.equal(((await sentinels.replica.send('ROLE')) as unknown[])[0], 'master');
    assert.doesNotMatch(play.logged.join('\n'), /sesame/);
  });
});

/** A key whose counts are on that server, or are not. */
async function keyOn(play: Play, server: RedisServer, isThere: boolean): Promise<string> {
  for (let i = 0; ; i++) {
    const size = (await server.send('DBSIZE')) as number;
    const key = `${isThere} ${i}`;
    assert.equal(await play.take(key), 'taken');
    if (((await server.send('DBSIZE')) as number) > size === isThere) return key;
  }
}
