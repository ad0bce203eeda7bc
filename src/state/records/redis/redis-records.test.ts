import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRedis, type TestRedis } from '../../../../test/support/redis.ts';
import { type PlayedRecords, REAL_TIME, recordsSuite } from '../records.support.ts';
import { RedisRecords } from './redis-records.ts';
import { SingleServer } from './single-server.ts';

describe('Records in Redis', () => {
  let redis: TestRedis;
  let played: PlayedRecords & { readonly records: RedisRecords; readonly others: RedisRecords };
  before(async () => {
    redis = await openRedis();
    const open = (): RedisRecords =>
      new RedisRecords({
        topology: new SingleServer({ url: redis.url, timeout: 2000, connectTimeout: 2000 }),
        prefix: redis.prefix,
        timeoutMs: 2000,
        connectTimeoutMs: 2000,
        log: (level, message, detail) => assert.fail(`${level}: ${message} ${detail}`),
      });
    played = { records: open(), others: open(), ...REAL_TIME };
    await Promise.all([live(played.records), live(played.others)]);
  });
  after(async () => {
    await played.records.close();
    await played.others.close();
    await redis.close();
  });
  recordsSuite(() => played);

  it('gave every key a lifetime, and no name that came from outside', async () => {
    const keys = (await redis.send('KEYS', `${redis.prefix}*`)) as string[];
    assert.ok(keys.length > 10);
    for (const key of keys) {
      assert.ok(((await redis.send('PTTL', key)) as number) > 0, key);
      assert.match(key.slice(redis.prefix.length), /^(record|lease|set):\{[\w-]{22}\}$/);
    }
  });
});

async function live(records: RedisRecords): Promise<void> {
  if (records.isLive) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = records.onChange((key) => key === undefined && resolve());
  await promise;
  end();
}
