import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { RedisServer } from '../../../../test/support/redis.ts';
import { until } from '../../../../test/support/redis-groups.ts';
import { SingleServer } from '../../redis/single-server.ts';
import { newKey, told } from '../records.support.ts';
import { type Records, RecordsUnavailable } from '../records.ts';
import { isLive, playRedis, type RedisPlay } from './redis-records.support.ts';
import { RedisRecords } from './redis-records.ts';

const LONG_MS = 600_000;
const TIMES = { timeoutMs: 500, connectTimeoutMs: 2000 };
/** What a busy machine adds to a timeout. */
const LATE_MS = 1500;

/** Every method, as one may be under way. */
const CALLS: readonly [string, (records: Records) => Promise<unknown>][] = [
  ['read', (records) => records.read('a')],
  ['create', (records) => records.create(newKey(), '', LONG_MS)],
  ['replace', (records) => records.replace('a', '', LONG_MS, 1)],
  ['touch', (records) => records.touch('a', LONG_MS)],
  ['take', (records) => records.take(newKey())],
  ['remove', (records) => records.remove([newKey(), newKey()])],
  ['addMember', (records) => records.addMember('set', 'a', LONG_MS)],
  ['removeMember', (records) => records.removeMember('set', 'b')],
  ['members', (records) => records.members('set')],
  ['acquire', (records) => records.acquire(newKey(), 'holder', LONG_MS)],
  ['renew', (records) => records.renew('a', 'holder', LONG_MS)],
  ['release', (records) => records.release('a', 'holder')],
];

/** All at one time. Rejects unless each is rejected as unavailable within the timeout. */
async function allUnavailable(records: Records): Promise<void> {
  const asked = performance.now();
  await Promise.all(CALLS.map(([name, call]) => assert.rejects(call(records), RecordsUnavailable, name)));
  assert.ok(performance.now() - asked < TIMES.timeoutMs + LATE_MS);
}

async function answers(records: Records): Promise<void> {
  await until(() =>
    records.read('a').then(
      () => true,
      () => false,
    ),
  );
}

describe('Records in a Redis that goes away', { timeout: 120_000 }, () => {
  let server: RedisServer;
  let play: RedisPlay;
  before(async () => {
    server = await RedisServer.start();
    play = await playRedis(
      () => new SingleServer({ url: server.url, connectTimeout: TIMES.connectTimeoutMs }),
      'outage:',
      TIMES,
    );
  });
  after(async () => {
    await play?.close();
    await server?.close();
  });

  it('are unavailable in time while it hangs, say that news may be missed, and come back by themselves', async () => {
    const { records, others } = play;
    const key = newKey();
    await records.create(key, 'value', LONG_MS);
    server.pause();
    try {
      await allUnavailable(records);
      await until(async () => !records.isLive && !others.isLive);
      // It is known by now.
      await setTimeout(TIMES.timeoutMs);
      const asked = performance.now();
      await assert.rejects(records.read(key), RecordsUnavailable);
      assert.ok(performance.now() - asked < TIMES.timeoutMs);
    } finally {
      server.resume();
    }
    await Promise.all([told(records, undefined), told(others, undefined)]);
    await answers(records);
    assert.equal(records.isLive, true);
    assert.equal((await records.read(key))?.value, 'value');
  });

  it('are there again after a restart, and everybody is told that anything may have changed', async () => {
    const { records, others } = play;
    const anything = Promise.all([told(records, undefined), told(others, undefined)]);
    await server.kill();
    await until(async () => !records.isLive && !others.isLive);
    await setTimeout(2 * TIMES.timeoutMs);
    await allUnavailable(records);
    await server.restart();
    await anything;
    await answers(records);
    const lease = await records.acquire('after', 'holder', LONG_MS);
    assert.ok((lease?.fence ?? 0) > 0);
  });

  it('wait for one that is restarted at once', async () => {
    const { records } = play;
    await isLive(records);
    await answers(records);
    await server.send('SET', 'outage:other', '1');
    const key = newKey();
    await server.kill();
    const restarted = server.restart();
    const [created] = await Promise.all([
      until(() =>
        records.create(key, 'value', LONG_MS).then(
          () => true,
          () => false,
        ),
      ),
      restarted,
    ]);
    assert.equal(created, undefined);
    assert.equal((await records.read(key))?.value, 'value');
  });

  it('give fences and versions above those that a Redis forgot', async () => {
    const { records } = play;
    await answers(records);
    const key = newKey();
    await records.create(key, 'value', LONG_MS);
    const { version } = (await records.read(key)) ?? assert.fail();
    const lease = (await records.acquire(key, 'one', LONG_MS)) ?? assert.fail();
    await server.send('FLUSHALL');
    await records.create(key, 'value', LONG_MS);
    const later = (await records.acquire(key, 'two', LONG_MS)) ?? assert.fail();
    assert.ok(later.fence > lease.fence);
    assert.ok(((await records.read(key)) ?? assert.fail()).version > version);
  });

  it('know the scripts again that a Redis forgot', async () => {
    const { records } = play;
    await server.send('SCRIPT', 'FLUSH');
    const key = newKey();
    const created = await Promise.all(Array.from({ length: 20 }, () => records.create(key, '', LONG_MS)));
    assert.equal(created.filter(Boolean).length, 1);
  });

  it('look for another server when theirs refuses writes', async () => {
    const { records } = play;
    const other = await RedisServer.start();
    try {
      const lost = told(records, undefined);
      await server.send('REPLICAOF', '127.0.0.1', `${other.port}`);
      const written = records.create(newKey(), 'value', LONG_MS);
      await assert.rejects(written, RecordsUnavailable);
      await server.send('REPLICAOF', 'NO', 'ONE');
      await until(() =>
        records.create(newKey(), 'value', LONG_MS).then(
          () => true,
          () => false,
        ),
      );
      await server.send('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await lost;
    } finally {
      await other.close();
    }
  });

  it('are unavailable at once when they are closed', async () => {
    const url = server.url;
    const closing = await playRedis(() => new SingleServer({ url, connectTimeout: 2000 }), 'closing:', TIMES);
    const asked = Promise.allSettled([closing.records.read('a'), closing.records.take('b')]);
    await closing.close();
    for (const { status } of await asked) assert.match(status, /fulfilled|rejected/);
    await allUnavailable(closing.records);
    assert.equal(closing.records.isLive, false);
    assert.deepEqual(closing.logged, []);
  });
});

describe('Records in a Redis that wants a password', () => {
  it('say that it was refused and never with what', async (t) => {
    const server = await RedisServer.start(['--requirepass', 'sesame-of-redis']);
    t.after(() => server.close());
    const url = `redis://:wrong-sesame@127.0.0.1:${server.port}`;
    const logged: unknown[] = [];
    const records = new RedisRecords({
      topology: new SingleServer({ url, connectTimeout: 1000 }),
      prefix: 'password:',
      ...TIMES,
      log: (...line) => logged.push(line),
    });
    t.after(() => records.close());
    const error = await records.read('a').then(
      () => assert.fail(),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof RecordsUnavailable);
    assert.equal(logged.length, 1);
    assert.match(inspect(logged), /WRONGPASS/);
    assert.doesNotMatch(inspect([logged, error], { depth: 9 }), /sesame/);
  });
});

describe('Records in what is no Redis', () => {
  it('are unavailable where something listens that says nothing', async (t) => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    // It listens.
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .destroy();
    const records = new RedisRecords({
      topology: new SingleServer({ url: `redis://127.0.0.1:${port}`, connectTimeout: 300 }),
      prefix: 'silent:',
      ...TIMES,
      log: () => {},
    });
    t.after(() => records.close());
    await allUnavailable(records);
  });
});
