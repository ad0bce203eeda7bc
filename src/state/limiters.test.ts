import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRedis, type TestRedis } from '../../test/support/redis.ts';
import type { Limiter } from './limiter.ts';
import { Limiters } from './limiters.ts';
import { stateSchema } from './schema.ts';
import { LimitPlay, limitOf } from './shared/limiter.support.ts';

/** Longer than any test: limiters tell of nothing by themselves. */
const SYNC_MS = 1_000_000;

describe('A limiter that counts by itself', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());

  function places(): Limiters {
    const { url, prefix } = redis;
    const { redis: settings } = stateSchema.parse({ redis: { url, prefix, timeout: '2s' } });
    assert.ok(settings !== undefined);
    return new Limiters(new LimitPlay().limiter(), { ...settings, url }, () => {});
  }

  async function take(limiter: Limiter, id: string): Promise<number | undefined> {
    const decision = limiter.decision([limitOf({ id, quota: 10, windowMs: 3_600_000 })]);
    for (const charge of decision.charges) charge.key = 'a';
    assert.equal(await decision.take(), 'taken');
    return decision.charges[0]?.remaining;
  }

  it('is one for all that want the same, until the last of them lets go of it', async () => {
    const limiters = places();
    const others = await limiters.open({ store: 'redis', syncMs: SYNC_MS });
    const held = await Promise.all([1, 2].map(() => limiters.open({ store: 'hybrid', syncMs: SYNC_MS })));
    const [first, second] = held;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.limiter, second.limiter);
    assert.deepEqual([await take(first.limiter, 'one'), await take(second.limiter, 'one')], [9, 8]);
    first.release();
    first.release();
    assert.equal(await take(others.limiter, 'one'), 9, 'Redis was not told yet');
    second.release();
    assert.equal(await take(others.limiter, 'one'), 6, 'who ends tells of what was taken');
    const next = await limiters.open({ store: 'hybrid', syncMs: SYNC_MS });
    assert.notEqual(next.limiter, first.limiter);
    for (const one of [next, others]) one.release();
  });

  it('is another where Redis is to be told more often, or where it may not go on alone', async () => {
    const limiters = places();
    const held = [
      await limiters.open({ store: 'hybrid', syncMs: SYNC_MS }),
      await limiters.open({ store: 'hybrid', syncMs: SYNC_MS - 1 }),
      await limiters.open({ store: 'hybrid', syncMs: SYNC_MS, onFailure: 'closed' }),
    ];
    assert.equal(new Set(held.map(({ limiter }) => limiter)).size, 3);
    for (const one of held) one.release();
  });
});
