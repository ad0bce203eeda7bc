import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { openRedis, RedisServer, type TestRedis } from '../../../test/support/redis.ts';
import type { Decision, Limit, Limiter, Verdict } from '../limiter.ts';
import { limitOf } from '../shared/limiter.support.ts';
import { RedisConnection } from './connection.ts';
import { connectWorker } from './redis.support.ts';
import { decisionScript } from './script.ts';

const TEN = [limitOf({ quota: 10, windowMs: 3_600_000 })];

function decisionFor(limiter: Limiter, key: string, limits: readonly Limit[] = TEN): Decision {
  const decision = limiter.decision(limits);
  for (const charge of decision.charges) charge.key = key;
  return decision;
}

async function take(limiter: Limiter, key: string, limits?: readonly Limit[]): Promise<Verdict> {
  return decisionFor(limiter, key, limits).take();
}

/** How many of so many at the same time end in each way. */
async function takeMany(limiter: Limiter, key: string, count: number): Promise<Record<string, number>> {
  const verdicts = await Promise.all(Array.from({ length: count }, () => take(limiter, key)));
  const counted: Record<string, number> = {};
  for (const verdict of verdicts) counted[verdict] = (counted[verdict] ?? 0) + 1;
  return counted;
}

describe('A connection to Redis', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());

  it('sends what is asked at one time together', async (t) => {
    const chunks: number[] = [];
    const relay = createServer((socket) => pipeCounting(socket, new URL(redis.url), chunks));
    relay.listen(0, '127.0.0.1');
    t.after(() => relay.close());
    await once(relay, 'listening');
    const url = `redis://127.0.0.1:${portOf(relay)}`;
    const counted = await connectWorker({ url, prefix: redis.prefix });
    t.after(() => counted.close());
    await take(counted.limiter, 'pipelined');
    chunks.length = 0;
    assert.deepEqual(await takeMany(counted.limiter, 'pipelined', 200), { taken: 9, refused: 191 });
    assert.ok(chunks.length <= 20, `200 decisions went in ${chunks.length} pieces`);
  });

  it('teaches Redis the script again when it has been forgotten', async (t) => {
    const worker = await connectWorker(redis);
    t.after(() => worker.close());
    await redis.send('SCRIPT', 'FLUSH');
    assert.deepEqual(await takeMany(worker.limiter, 'flushed', 15), { taken: 10, refused: 5 });
    assert.deepEqual(worker.logged, []);
  });

  it('leaves keys that go away by themselves, with nothing in them that a client sent', async (t) => {
    const worker = await connectWorker(redis);
    t.after(() => worker.close());
    const limits = [
      limitOf({ id: 'gcra', quota: 10, windowMs: 60_000 }),
      limitOf({ id: 'window', algorithm: 'sliding-window', quota: 10, windowMs: 60_000 }),
      limitOf({ id: 'under way', algorithm: 'concurrency', quota: 10, windowMs: 0 }),
    ];
    await take(worker.limiter, 'sesame, a secret', limits);
    const keys = (await redis.send('KEYS', `${redis.prefix}limit:*`)) as string[];
    assert.ok(keys.length >= 3);
    assert.ok(!keys.some((key) => key.includes('sesame')));
    for (const key of keys) assert.ok(((await redis.send('PTTL', key)) as number) > 0, key);
  });

  it('keeps all keys of a decision in one slot, also those of different keys', async (t) => {
    const worker = await connectWorker(redis);
    t.after(() => worker.close());
    const alike = [limitOf({ id: 'a' }), limitOf({ id: 'b' })];
    const shared = alike.map((limit) => ({ ...limit, sharedSlot: 'route/x' }));
    for (const limits of [alike, shared]) {
      await redis.send('EVAL', UNLINK_ALL, '0', `${redis.prefix}limit:*`);
      const decision = worker.limiter.decision(limits);
      decision.charges.forEach((charge, i) => {
        charge.key = limits === alike ? 'one}{key' : `key ${i}`;
      });
      assert.equal(await decision.take(), 'taken');
      const keys = (await redis.send('KEYS', `${redis.prefix}limit:*`)) as string[];
      assert.equal(keys.length, 2);
      assert.equal(new Set(keys.map((key) => /\{(.+?)\}/.exec(key)?.[1])).size, 1);
    }
  });

  it('ends with nothing left open, also while it is asked', async (t) => {
    const worker = await connectWorker(redis);
    t.after(() => worker.close());
    const asked = takeMany(worker.limiter, 'closing', 20);
    await worker.close();
    assert.deepEqual(await asked, { taken: 10, refused: 10 });
    assert.equal(await take(worker.limiter, 'closing'), 'unavailable');
  });
});

describe('What is under way', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());
  const two = [limitOf({ algorithm: 'concurrency', quota: 2, windowMs: 0 })];

  it('is known again, after it is renewed, to a Redis that forgot it', async (t) => {
    const worker = await connectWorker(redis);
    t.after(() => worker.close());
    assert.equal(await take(worker.limiter, 'long', two), 'taken');
    assert.equal(await take(worker.limiter, 'long', two), 'taken');
    await redis.send('EVAL', UNLINK_ALL, '0', `${redis.prefix}*`);
    worker.limiter.renew();
    assert.equal(await take(worker.limiter, 'long', two), 'refused');
  });

  it('counts no longer than its lease when its node died', async (t) => {
    const worker = await connectWorker(redis);
    t.after(() => worker.close());
    await redis.send('EVAL', UNLINK_ALL, '0', `${redis.prefix}*`);
    await take(worker.limiter, 'died', two);
    await take(worker.limiter, 'died', two);
    await worker.close();
    const other = await connectWorker(redis);
    t.after(() => other.close());
    assert.equal(await take(other.limiter, 'died', two), 'refused');
    const [key] = (await redis.send('KEYS', `${redis.prefix}limit:*`)) as [string];
    // As though half a minute had gone by.
    for (const ticket of (await redis.send('ZRANGE', key, '0', '-1')) as string[])
      await redis.send('ZADD', key, '1', ticket);
    assert.equal(await take(other.limiter, 'died', two), 'taken');
  });
});

describe('A Redis that is away', () => {
  it('is told of once, asked of nobody, and used again when it is back', async () => {
    const server = await RedisServer.start();
    const worker = await connectWorker({ url: server.url, prefix: 'p:' }, { timeout: 500 });
    try {
      assert.equal(await take(worker.limiter, 'a'), 'taken');
      await server.kill();
      await until(() => !worker.connection.isUp);
      for (let i = 0; i < 100; i++) assert.equal(await take(worker.limiter, 'a'), 'unavailable');
      await server.restart();
      await until(() => worker.connection.isUp);
      assert.deepEqual(await takeMany(worker.limiter, 'a', 15), { taken: 10, refused: 5 });
      assert.equal(worker.logged.length, 1, worker.logged.join('\n'));
      assert.match(worker.logged[0] ?? '', /^warn: Redis at 127\.0\.0\.1:\d+ is of no use/);
    } finally {
      await worker.close();
      await server.close();
    }
  });

  it('that hangs holds nobody up for longer than the timeout, and the next ones not at all', async () => {
    const server = await RedisServer.start();
    const worker = await connectWorker({ url: server.url, prefix: 'p:' }, { timeout: 50 });
    try {
      assert.equal(await take(worker.limiter, 'a'), 'taken');
      server.pause();
      const start = performance.now();
      assert.deepEqual(await takeMany(worker.limiter, 'a', 50), { unavailable: 50 });
      const ms = performance.now() - start;
      assert.ok(ms >= 50 && ms < 500, `${ms} ms`);
      assert.equal(await take(worker.limiter, 'a'), 'unavailable');
      assert.ok(!worker.connection.isUp);
      server.resume();
      await until(() => worker.connection.isUp);
      assert.equal(await take(worker.limiter, 'b'), 'taken');
      assert.equal(worker.logged.length, 1, worker.logged.join('\n'));
    } finally {
      server.resume();
      await worker.close();
      await server.close();
    }
  });

  it('that hangs for long is left, and connected to anew', async () => {
    const server = await RedisServer.start();
    const worker = await connectWorker(
      { url: server.url, prefix: 'p:' },
      { timeout: 20, connectTimeout: 60 },
    );
    try {
      server.pause();
      assert.equal(await take(worker.limiter, 'a'), 'unavailable');
      await server.kill();
      await server.restart();
      await until(() => worker.connection.isUp);
      assert.equal(await take(worker.limiter, 'a'), 'taken');
    } finally {
      server.resume();
      await worker.close();
      await server.close();
    }
  });

  it('that did what it was asked too late gives back what nobody will', async () => {
    const server = await RedisServer.start();
    const worker = await connectWorker({ url: server.url, prefix: 'p:' }, { timeout: 50 });
    const one = [limitOf({ algorithm: 'concurrency', quota: 1, windowMs: 0 })];
    try {
      server.pause();
      assert.equal(await take(worker.limiter, 'a', one), 'unavailable');
      server.resume();
      await until(() => worker.connection.isUp);
      await untilTaken(worker.limiter, 'a', one);
    } finally {
      server.resume();
      await worker.close();
      await server.close();
    }
  });
});

describe('Whoever listens in place of Redis', () => {
  for (const [title, answer] of [
    ['other numbers than the script gives', '*2\r\n:1\r\n:-5\r\n'],
    ['too little', '*1\r\n:1\r\n'],
    ['too much', '*3\r\n:1\r\n:1\r\n:1\r\n'],
    ['a text', '+OK\r\n'],
    ['nothing', '$-1\r\n'],
    ['a refusal without a reason', '*2\r\n:0\r\n:0\r\n'],
    ['an error', '-ERR no\r\n'],
    ['that it does not know the script, every time', '-NOSCRIPT no\r\n'],
    ['what is no answer at all', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ] as const) {
    it(`decides nothing by answering ${title}`, async () => {
      const server = createServer((socket) => answering(socket, answer));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const worker = await connectWorker({ url: `redis://127.0.0.1:${portOf(server)}`, prefix: 'p:' });
      assert.equal(await take(worker.limiter, 'a'), 'unavailable');
      assert.equal(worker.logged.length, 1, worker.logged.join('\n'));
      await worker.close();
      server.close();
    });
  }
});

describe('A Redis that repeats what it does not understand', () => {
  it('does not bring its password into the log', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const sent = data
          .toString('latin1')
          .match(/HELLO|AUTH|p:w/g)
          ?.join(' ');
        socket.write(`-ERR unknown command, with args beginning with: ${sent}\r\n`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const causes: unknown[] = [];
    const url = `redis://user:p%3Aw@127.0.0.1:${portOf(server)}`;
    const settings = { url, timeout: 100, connectTimeout: 2000 };
    const connection = new RedisConnection(settings, decisionScript(), (_level, _message, cause) =>
      causes.push(cause),
    );
    await until(() => causes.length > 0);
    await connection.close();
    server.close();
    assert.match(inspect(causes), /AUTH \*\*\*/);
    assert.doesNotMatch(inspect(causes), /p:w|p%3Aw/);
  });
});

describe('A Redis that has become a replica', () => {
  it('is left, because its name may lead to the primary', async (t) => {
    let connections = 0;
    const server = createServer((socket) => {
      const first = ++connections === 1;
      answering(socket, first ? '-READONLY You can not write against a replica.\r\n' : '*2\r\n:1\r\n:0\r\n');
    });
    server.listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const worker = await connectWorker({ url: `redis://127.0.0.1:${portOf(server)}`, prefix: 'p:' });
    t.after(() => worker.close());
    assert.equal(await take(worker.limiter, 'a'), 'unavailable');
    assert.ok(!worker.connection.isUp);
    await until(() => worker.connection.isUp);
    assert.equal(await take(worker.limiter, 'a'), 'taken');
  });
});

const UNLINK_ALL = `for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', key) end`;

/** Takes part in connecting as a Redis does, and answers every question alike. */
function answering(socket: Socket, answer: string): void {
  socket.on('error', () => {});
  socket.on('data', (data) => {
    for (const [, command] of data.toString('latin1').matchAll(/\r\n(HELLO|CLIENT|SCRIPT|EVALSHA|ZREM)\r\n/g))
      socket.write(command === 'EVALSHA' ? answer : command === 'HELLO' ? '*0\r\n' : '+OK\r\n');
  });
}

/** Passes everything on, and notes the length of each piece that comes from the client. */
function pipeCounting(client: Socket, { hostname, port }: URL, chunks: number[]): void {
  const server = new (client.constructor as typeof Socket)();
  server.connect(Number(port || 6379), hostname);
  client.on('data', (chunk) => chunks.push(chunk.length));
  client.pipe(server).pipe(client);
  client.on('close', () => server.destroy());
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function untilTaken(limiter: Limiter, key: string, limits: readonly Limit[]): Promise<void> {
  const end = performance.now() + 5000;
  while ((await take(limiter, key, limits)) !== 'taken') assert.ok(performance.now() < end);
}

/** Lets the event loop turn until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < end, 'it never came to that');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
