import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sendTo } from '../../../../test/support/redis.ts';
import {
  PASSWORD,
  type SentinelServers,
  startSentinels,
  until,
} from '../../../../test/support/redis-groups.ts';
import { SentinelPrimary } from '../../redis/sentinel-primary.ts';
import { newKey, recordsSuite } from '../records.support.ts';
import { playRedis, type RedisPlay } from './redis-records.support.ts';

const LONG_MS = 600_000;

describe('Records in a Redis behind sentinels', { timeout: 120_000 }, () => {
  let sentinels: SentinelServers;
  let play: RedisPlay;
  before(async () => {
    sentinels = await startSentinels();
    const { name, urls } = sentinels;
    const settings = { name, nodes: ['redis://127.0.0.1:1', ...urls], password: PASSWORD, database: 0 };
    const topology = () => new SentinelPrimary(settings, { connectTimeout: 4000 });
    play = await playRedis(topology, 'sentinel:', { timeoutMs: 2000, connectTimeoutMs: 4000 });
  });
  after(async () => {
    await play?.close();
    await sentinels?.close();
  });
  recordsSuite(() => play);

  it('were written to the primary alone, and one sentinel that is away is nobody’s loss', () => {
    assert.deepEqual(play.logged, []);
  });

  it('are written to the replica when it has become the primary', async () => {
    const { records, others } = play;
    const key = newKey();
    await records.create(key, 'value', LONG_MS);
    const { version } = (await records.read(key)) ?? assert.fail();
    await sentinels.primary.send('WAIT', '1', '1000');
    const missed = Promise.withResolvers<void>();
    const end = others.onChange((changed) => changed === undefined && missed.resolve());
    await sentinels.primary.kill();
    await until(() =>
      records.replace(key, 'new', LONG_MS, version).then(
        (replaced) => replaced !== undefined,
        () => false,
      ),
    );
    await missed.promise;
    end();
    await until(() =>
      others.read(key).then(
        (record) => record?.value === 'new',
        () => false,
      ),
    );
    assert.equal(others.isLive, true);
    const role = (await sentinels.replica.send('ROLE')) as unknown[];
    assert.equal(role[0], 'master');
  });

  it('follow a failover that somebody asked for, by which the old primary lives on', async () => {
    const { records } = play;
    await sentinels.primary.restart();
    const [first] = sentinels.urls as [string];
    // A server that sentinels give another role ends its connections.
    await until(() =>
      sentinels.primary.send('INFO', 'replication').then(
        (text) => String(text).includes('master_link_status:up'),
        () => false,
      ),
    );
    const key = newKey();
    await records.create(key, 'value', LONG_MS);
    await until(() =>
      sendTo(first, 'SENTINEL', 'FAILOVER', sentinels.name).then(
        () => true,
        () => false,
      ),
    );
    await until(() =>
      sentinels.primary.send('ROLE').then(
        (role) => (role as unknown[])[0] === 'master',
        () => false,
      ),
    );
    await until(() =>
      records.create(newKey(), 'value', LONG_MS).then(
        () => true,
        () => false,
      ),
    );
    assert.equal((await records.read(key))?.value, 'value');
  });
});
