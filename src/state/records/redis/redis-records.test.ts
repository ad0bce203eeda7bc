import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRedis, type TestRedis } from '../../../../test/support/redis.ts';
import { SingleServer } from '../../redis/single-server.ts';
import { recordsSuite } from '../records.support.ts';
import { playRedis, type RedisPlay } from './redis-records.support.ts';

describe('Records in Redis', () => {
  let redis: TestRedis;
  let play: RedisPlay;
  before(async () => {
    redis = await openRedis();
    const settings = { url: redis.url, connectTimeout: 2000 };
    play = await playRedis(() => new SingleServer(settings), redis.prefix);
  });
  after(async () => {
    await play.close();
    await redis.close();
  });
  recordsSuite(() => play);

  it('gave every key a lifetime, and no name that came from outside, and logged nothing', async () => {
    const keys = (await redis.send('KEYS', `${redis.prefix}*`)) as string[];
    assert.ok(keys.length > 10);
    for (const key of keys) {
      assert.ok(((await redis.send('PTTL', key)) as number) > 0, key);
      assert.match(key.slice(redis.prefix.length), /^(record|lease|set):\{[\w-]{22}\}$/);
    }
    assert.deepEqual(play.logged, []);
  });
});
