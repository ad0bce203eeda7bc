import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RedisServer } from '../../../../test/support/redis.ts';
import {
  PASSWORD,
  type RedisClusterServers,
  startRedisCluster,
  until,
} from '../../../../test/support/redis-groups.ts';
import { ClusterNodes } from '../../redis/cluster-nodes.ts';
import { newKey, recordsSuite } from '../records.support.ts';
import { RecordsUnavailable } from '../records.ts';
import { playRedis, type RedisPlay } from './redis-records.support.ts';

const LONG_MS = 600_000;

describe('Records in a Redis Cluster', { timeout: 120_000 }, () => {
  let cluster: RedisClusterServers;
  let play: RedisPlay;
  before(async () => {
    cluster = await startRedisCluster();
    const topology = () => new ClusterNodes({ nodes: [...cluster.urls] }, { connectTimeout: 4000 });
    play = await playRedis(topology, 'cluster:', { timeoutMs: 2000, connectTimeoutMs: 4000 });
  });
  after(async () => {
    await play?.close();
    await cluster?.close();
  });
  recordsSuite(() => play);

  it('are on all of its servers, each with a lifetime', async () => {
    for (const server of cluster.servers) {
      const keys = (await server.send('KEYS', 'cluster:*')) as string[];
      assert.ok(keys.length > 0);
      for (const key of keys) assert.ok(((await server.send('PTTL', key)) as number) > 0, key);
    }
    assert.deepEqual(play.logged, []);
  });

  it('are found where their slot has moved', async () => {
    const { records } = play;
    const [first, second] = cluster.servers as [RedisServer, RedisServer];
    const { key, name } = await recordOn(play, second);
    const slot = String(await second.send('CLUSTER', 'KEYSLOT', name));
    const firstId = String(await first.send('CLUSTER', 'MYID'));
    const secondId = String(await second.send('CLUSTER', 'MYID'));
    await first.send('CLUSTER', 'SETSLOT', slot, 'IMPORTING', secondId);
    await second.send('CLUSTER', 'SETSLOT', slot, 'MIGRATING', firstId);
    await second.send('MIGRATE', '127.0.0.1', `${first.port}`, name, '0', '1000', 'AUTH', PASSWORD);
    assert.equal((await records.read(key))?.value, 'value');
    for (const server of [first, second]) await server.send('CLUSTER', 'SETSLOT', slot, 'NODE', firstId);
    assert.equal((await records.read(key))?.value, 'value');
    assert.equal(await records.take(key), 'value');
  });

  it('are served by the other servers while one hangs, and by its replica soon after', async () => {
    const { records, others } = play;
    const [first, , third] = cluster.servers as [RedisServer, RedisServer, RedisServer];
    const { key: lost } = await recordOn(play, first);
    const { key: kept } = await recordOn(play, third);
    await first.send('WAIT', '1', '1000');
    first.pause();
    const asked = performance.now();
    await assert.rejects(records.read(lost), RecordsUnavailable);
    assert.ok(performance.now() - asked < 3000);
    assert.equal((await records.read(kept))?.value, 'value');
    await until(() =>
      others.read(lost).then(
        (record) => record?.value === 'value',
        () => false,
      ),
    );
    first.resume();
    await until(async () => records.isLive && others.isLive);
    assert.equal(await records.take(lost), 'value');
    assert.equal(await records.take(kept), 'value');
    assert.doesNotMatch(play.logged.join('\n'), /sesame/);
  });
});

/** Makes records until one is on that server, and takes away the others. What it is called here, and in Redis. */
async function recordOn(
  { records }: RedisPlay,
  server: RedisServer,
): Promise<{ readonly key: string; readonly name: string }> {
  const known = new Set((await server.send('KEYS', 'cluster:record:*')) as string[]);
  for (;;) {
    const key = newKey();
    await records.create(key, 'value', LONG_MS);
    const names = (await server.send('KEYS', 'cluster:record:*')) as string[];
    const name = names.find((one) => !known.has(one));
    if (name !== undefined) return { key, name };
    await records.remove([key]);
  }
}
