import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { openRedis, RedisServer, type TestRedis } from '../../../test/support/redis.ts';
import type { Decision, Limit, Verdict } from '../limiter.ts';
import { connectWorker, movedClock, type RedisWorker } from '../redis/redis.support.ts';
import { limitOf } from '../shared/limiter.support.ts';
import { HybridLimiter } from './hybrid-limiter.ts';

const HOUR_MS = 3_600_000;
/** Tests synchronise when they want to. */
const NEVER_MS = 2 ** 31 - 1;

/** Workers with a connection each, on one clock that a test moves, Redis included. */
class Play {
  nowMs = 1_000_000;
  readonly workers: readonly { readonly redis: RedisWorker; readonly limiter: HybridLimiter }[];
  readonly #redis: TestRedis;
  readonly #clock: string;

  private constructor(
    redis: TestRedis,
    clock: string,
    workers: readonly RedisWorker[],
    options: { readonly goesOnAlone: boolean; readonly maxKeys?: number },
  ) {
    this.#redis = redis;
    this.#clock = clock;
    this.workers = workers.map((worker) => ({
      redis: worker,
      limiter: new HybridLimiter({
        connection: worker.connection,
        prefix: redis.prefix,
        syncMs: NEVER_MS,
        nowMs: () => this.nowMs,
        ...options,
      }),
    }));
  }

  static async open(
    redis: TestRedis,
    { workers = 2, ...options }: { workers?: number; maxKeys?: number } = {},
  ): Promise<Play> {
    const { key, script } = movedClock(redis.prefix);
    const connected = await Promise.all(
      Array.from({ length: workers }, () => connectWorker(redis, { script })),
    );
    const play = new Play(redis, key, connected, { goesOnAlone: true, ...options });
    await play.advance(0);
    return play;
  }

  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    await this.#redis.send('SET', this.#clock, String(this.nowMs));
  }

  take(worker: number, limits: readonly Limit[], key: string): { verdict: Verdict; decision: Decision } {
    const decision = (this.workers[worker]?.limiter ?? assert.fail()).decision(limits);
    for (const charge of decision.charges) charge.key = key;
    return { verdict: decision.take() as Verdict, decision };
  }

  /** How many of `count` requests in a row are admitted. */
  admitted(worker: number, limits: readonly Limit[], key: string, count: number): number {
    let admitted = 0;
    for (let i = 0; i < count; i++) if (this.take(worker, limits, key).verdict === 'taken') admitted++;
    return admitted;
  }

  /** Synchronises a worker, and waits until it knows. */
  async sync(worker: number): Promise<void> {
    const { limiter, redis } = this.workers[worker] ?? assert.fail();
    limiter.sync();
    // Redis answers in order: what is asked now is answered last.
    const { promise, resolve } = Promise.withResolvers<void>();
    redis.connection.ask(['1', `${this.#redis.prefix}other`, 'ask', 'gcra', '1', '1', '1', '0'], {
      answered: () => {
        resolve();
        return true;
      },
      unanswered: resolve,
      late() {},
    });
    await promise;
  }

  async close(): Promise<void> {
    for (const { limiter, redis } of this.workers) {
      limiter.close();
      await redis.close();
    }
  }
}

describe('Limits that workers count by themselves and tell Redis of in intervals', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());

  it('are exact in one worker', async (t) => {
    const play = await Play.open(redis, { workers: 1 });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'one', quota: 10, windowMs: HOUR_MS })];
    assert.equal(play.admitted(0, limits, 'a', 6), 6);
    await play.sync(0);
    assert.equal(play.admitted(0, limits, 'a', 60), 4);
    await play.sync(0);
    assert.equal(play.admitted(0, limits, 'a', 60), 0);
    await play.advance(HOUR_MS / 10);
    assert.equal(play.admitted(0, limits, 'a', 60), 1);
  });

  it('let every worker take the burst once, which all then wait for', async (t) => {
    const play = await Play.open(redis, { workers: 3 });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'burst', quota: 10, windowMs: 10_000 })];
    const all = async (): Promise<number> => {
      let sum = 0;
      for (const worker of [0, 1, 2]) sum += play.admitted(worker, limits, 'a', 100);
      for (const worker of [0, 1, 2]) await play.sync(worker);
      return sum;
    };
    assert.equal(await all(), 30);
    await play.advance(9000);
    // The first to synchronise knows of its own ten only, the last one of all thirty.
    const early = await all();
    assert.ok(early <= 14, `${early} were admitted`);
    await play.advance(1000);
    assert.equal(await all(), 0, 'thirty and more are owed: it takes twenty seconds until one has room');
  });

  it('know of what others took as soon as they synchronise', async (t) => {
    const play = await Play.open(redis);
    t.after(() => play.close());
    const limits = [limitOf({ id: 'others', quota: 10, windowMs: HOUR_MS })];
    assert.equal(play.admitted(0, limits, 'a', 8), 8);
    await play.sync(0);
    assert.equal(play.admitted(1, limits, 'a', 1), 1);
    await play.sync(1);
    assert.equal(play.admitted(1, limits, 'a', 50), 1);
  });

  it('tell Redis of corrections', async (t) => {
    const play = await Play.open(redis);
    t.after(() => play.close());
    const limits = [limitOf({ id: 'corrected', quota: 10, windowMs: HOUR_MS })];
    play.take(0, limits, 'a').decision.correct(7);
    await play.sync(0);
    assert.equal(play.admitted(1, limits, 'a', 1), 1);
    await play.sync(1);
    assert.equal(play.admitted(1, limits, 'a', 50), 1);
  });

  it('forget keys whose whole burst is there again', async (t) => {
    const play = await Play.open(redis, { workers: 1 });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'forgotten', quota: 10, windowMs: 1000 })];
    for (let i = 0; i < 500; i++) play.take(0, limits, `key ${i}`);
    await play.sync(0);
    const { limiter } = play.workers[0] ?? assert.fail();
    assert.equal(limiter.size, 500);
    await play.advance(1000);
    await play.sync(0);
    assert.equal(limiter.size, 0);
  });

  it('admit never more than the bound, whoever asks and synchronises when', async () => {
    const syncMs = 100;
    const step = fc.record({
      worker: fc.nat(2),
      count: fc.nat(40),
      afterMs: fc.oneof(fc.constant(0), fc.nat(30), fc.nat(400)),
    });
    let runs = 0;
    const property = fc.asyncProperty(
      fc.record({ quota: fc.integer({ min: 1, max: 200 }), burst: fc.integer({ min: 1, max: 20 }) }),
      fc.array(step, { minLength: 20, maxLength: 60 }),
      async ({ quota, burst }, steps) => {
        const play = await Play.open(redis, { workers: 3 });
        const limits = [limitOf({ id: `bound ${runs++}`, quota, burst, windowMs: 1000 })];
        const due = [0, 0, 0];
        const taken: { readonly atMs: number; readonly count: number }[] = [];
        try {
          for (const { worker, count, afterMs } of steps) {
            for (let left = afterMs; left > 0; left -= 20) {
              await play.advance(Math.min(20, left));
              for (const [other, at] of due.entries())
                if (at > 0 && play.nowMs >= at) {
                  await play.sync(other);
                  due[other] = 0;
                }
            }
            const admitted = play.admitted(worker, limits, 'a', count);
            if (admitted === 0) continue;
            taken.push({ atMs: play.nowMs, count: admitted });
            if (due[worker] === 0) due[worker] = play.nowMs + syncMs - 20;
          }
        } finally {
          await play.close();
        }
        const rate = quota / 1000;
        for (let from = 0; from < taken.length; from++) {
          let sum = 0;
          for (const { atMs, count } of taken.slice(from)) {
            sum += count;
            const bound = burst + rate * (atMs - (taken[from]?.atMs ?? 0)) + 2 * 2 * (burst + rate * syncMs);
            assert.ok(sum <= bound, `${sum} of at most ${bound}`);
          }
        }
      },
    );
    await fc.assert(property, { numRuns: 15 });
  });
});

describe('Of more keys than may be known at one time', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());
  const maxKeys = 20;

  /** Requests of one unit, each with a key that nobody has had. */
  async function flood(play: Play, limits: readonly Limit[], keys: number): Promise<void> {
    for (let i = 0; i < keys; i++) {
      play.take(0, limits, `made up ${i}`);
      if (i % 4 === 3) await play.sync(0);
    }
    await play.sync(0);
  }

  it('a key that is limited stays while there are others', async (t) => {
    const play = await Play.open(redis, { workers: 1, maxKeys });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'limited', quota: 3, windowMs: HOUR_MS })];
    for (const key of ['a', 'b']) assert.equal(play.admitted(0, limits, key, 5), 3);
    await play.sync(0);
    await flood(play, limits, 100);
    assert.equal(play.workers[0]?.limiter.size, maxKeys);
    for (const key of ['a', 'b']) assert.equal(play.take(0, limits, key).verdict, 'refused');
  });

  it('of which all are limited the one goes that is free soonest', async (t) => {
    const play = await Play.open(redis, { workers: 1, maxKeys });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'all limited', quota: 2, windowMs: HOUR_MS })];
    const keys = Array.from({ length: maxKeys }, (_, i) => `key ${i}`);
    for (const key of keys) {
      assert.equal(play.admitted(0, limits, key, 3), 2);
      await play.sync(0);
      await play.advance(1000);
    }
    assert.equal(play.take(0, limits, 'new').verdict, 'taken');
    const refused = keys.slice(1).every((key) => play.take(0, limits, key).verdict === 'refused');
    assert.deepEqual([refused, play.workers[0]?.limiter.size], [true, maxKeys]);
  });

  it('what Redis was not told of stays, and a new key has to wait for that', async (t) => {
    const play = await Play.open(redis, { maxKeys });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'untold', quota: 5, windowMs: HOUR_MS })];
    const keys = Array.from({ length: maxKeys }, (_, i) => `key ${i}`);
    for (const key of keys) assert.equal(play.admitted(0, limits, key, 2), 2);
    // Half of them are being told of, the others not yet.
    assert.equal(play.take(0, limits, 'new').verdict, 'unavailable');
    await play.sync(0);
    // What was taken while an answer was due is told after it.
    await play.sync(0);
    assert.equal(play.take(0, limits, 'new').verdict, 'taken');
    for (const key of keys) {
      assert.equal(play.admitted(1, limits, key, 1), 1);
      await play.sync(1);
      assert.equal(play.admitted(1, limits, key, 5), 2, 'five, without what both took');
      await play.sync(1);
    }
  });

  it('many that Redis was not told of are not kept until it is time', async (t) => {
    const play = await Play.open(redis, { workers: 1, maxKeys });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'early', quota: 5, windowMs: HOUR_MS })];
    const asked: number[] = [];
    const { connection } = play.workers[0]?.redis ?? assert.fail();
    const ask = connection.ask.bind(connection);
    connection.ask = (operands, asker) => {
      asked.push(play.workers[0]?.limiter.size ?? 0);
      ask(operands, asker);
    };
    for (let i = 0; i < maxKeys; i++) play.take(0, limits, `key ${i}`);
    assert.deepEqual(asked, [...Array<number>(10).fill(10), ...Array<number>(10).fill(20)]);
  });

  it('a correction of one that was forgotten meanwhile is told', async (t) => {
    const play = await Play.open(redis, { maxKeys });
    t.after(() => play.close());
    const limits = [limitOf({ id: 'corrected late', quota: 10, windowMs: HOUR_MS })];
    const { decision } = play.take(0, limits, 'a');
    await flood(play, limits, 100);
    decision.correct(6);
    await play.sync(0);
    assert.equal(play.admitted(1, limits, 'a', 1), 1);
    await play.sync(1);
    assert.equal(play.admitted(1, limits, 'a', 20), 2);
  });
});

describe('What Redis did not answer to', () => {
  it('is told again, also when nothing more is taken', async (t) => {
    const server = await RedisServer.start();
    const worker = await connectWorker({ url: server.url, prefix: 'p:' }, { timeout: 100 });
    const { connection } = worker;
    const limiter = new HybridLimiter({ connection, prefix: 'p:', syncMs: NEVER_MS, goesOnAlone: true });
    t.after(async () => {
      limiter.close();
      await worker.close();
      await server.close();
    });
    const limits = [limitOf({ quota: 10, windowMs: HOUR_MS })];
    const decision = limiter.decision(limits);
    for (const charge of decision.charges) charge.key = 'a';
    for (let i = 0; i < 6; i++) assert.equal(decision.take(), 'taken');
    server.pause();
    limiter.sync();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    while (connection.isUp) await turn();
    await server.kill();
    await server.restart();
    while (!connection.isUp) await turn();
    limiter.sync();
    // Redis answers in order, so that this is decided when it was told.
    const exact = worker.limiter.decision(limits);
    for (const charge of exact.charges) charge.key = 'a';
    assert.deepEqual([await exact.take(), exact.charges[0]?.remaining], ['taken', 3]);
  });
});

describe('While Redis is away', () => {
  for (const [goesOnAlone, first, then] of [
    [true, 'taken', 'refused'],
    [false, 'unavailable', 'unavailable'],
  ] as const) {
    it(`a worker that ${goesOnAlone ? 'may go on alone keeps the limit by itself' : 'may not go on alone cannot be asked'}`, async () => {
      const server = await RedisServer.start();
      const worker = await connectWorker({ url: server.url, prefix: 'p:' });
      const limiter = new HybridLimiter({
        connection: worker.connection,
        prefix: 'p:',
        syncMs: NEVER_MS,
        goesOnAlone,
      });
      const decision = limiter.decision([limitOf({ quota: 3, windowMs: HOUR_MS })]);
      for (const charge of decision.charges) charge.key = 'a';
      try {
        assert.equal(decision.take(), 'taken');
        await server.kill();
        while (worker.connection.isUp) await new Promise((resolve) => setImmediate(resolve));
        limiter.sync();
        assert.deepEqual([decision.take(), decision.take()], [first, first]);
        assert.equal(decision.take(), then);
      } finally {
        limiter.close();
        await worker.close();
        await server.close();
      }
    });
  }
});
