import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { withPool } from './pool.support.ts';

suite('a pool', () => {
  test('gives a connection that was used to the next who asks, at once', async () => {
    await withPool({}, async ({ acquire, upstream, open }) => {
      const first = acquire();
      await first.exchange();
      const second = acquire();
      assert.equal(second.connection, first.connection);
      await second.exchange();
      assert.deepEqual([upstream.connections.length, open(), second.connection?.requests], [1, 1, 2]);
    });
  });

  test('opens as many as are needed at once', async () => {
    await withPool({}, async ({ acquire, open }) => {
      const callers = [acquire(), acquire(), acquire()];
      const connections = await Promise.all(callers.map((caller) => caller.connected()));
      assert.deepEqual([new Set(connections).size, open()], [3, 3]);
      await Promise.all(callers.map((caller) => caller.exchange()));
    });
  });

  test('uses the one used last first, so that the others can time out', async () => {
    await withPool({}, async ({ acquire }) => {
      const [one, two, three] = [acquire(), acquire(), acquire()];
      for (const caller of [two, three, one]) await caller.exchange();
      assert.equal(acquire().connection, one.connection);
      assert.equal(acquire().connection, three.connection);
      assert.equal(acquire().connection, two.connection);
    });
  });

  test('opens a fresh one where that is asked for, however many are idle', async () => {
    await withPool({}, async ({ acquire, open }) => {
      const first = acquire();
      await first.exchange();
      const fresh = acquire(true);
      await fresh.exchange();
      assert.notEqual(fresh.connection, first.connection);
      assert.equal(open(), 2);
    });
  });

  test('keeps no more idle ones than it may', async () => {
    await withPool({ idle: 1 }, async ({ acquire, upstream, open }) => {
      const callers = [acquire(), acquire(), acquire()];
      for (const caller of callers) await caller.exchange();
      assert.equal(open(), 1);
      await upstream.until(
        () => upstream.connections.filter((one) => one.gone).length === 2,
        'two to be closed',
      );
      assert.equal(acquire().connection, callers[0]?.connection);
    });
  });

  test('that keeps none closes each after its request', async () => {
    await withPool({ idle: 0 }, async ({ acquire, open }) => {
      await acquire().exchange();
      assert.equal(open(), 0);
    });
  });
});

suite('a connection is not kept', () => {
  test('when it was idle for its time', async () => {
    await withPool({ keepMs: 1000 }, async ({ acquire, elapse, open }) => {
      await acquire().exchange();
      elapse(1000);
      assert.equal(open(), 1, 'never early');
      elapse(200);
      assert.equal(open(), 0);
      const next = acquire();
      assert.equal(next.connection, undefined, 'a new one has to be made');
      await next.exchange();
    });
  });

  test('beyond its lifetime, idle or not', async () => {
    await withPool({ lifetimeMs: 1000 }, async ({ acquire, elapse, open }) => {
      await acquire().exchange();
      elapse(1200);
      assert.equal(open(), 0);
      const busy = acquire();
      await busy.connected();
      elapse(5000);
      assert.equal(open(), 1, 'a request under way is not disturbed');
      await busy.exchange();
      assert.equal(open(), 0);
    });
  });

  test('when the upstream closed it', async () => {
    await withPool({}, async ({ acquire, upstream, open }) => {
      const first = acquire();
      await first.exchange();
      (await upstream.connection(0)).close();
      while (open() > 0) await new Promise(setImmediate);
      const second = acquire();
      assert.notEqual(second.connection, first.connection);
      await second.exchange();
    });
  });

  for (const [title, text] of [
    ['when the answer says so', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    ['when the answer is HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['when octets follow the answer', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n'],
  ] as const) {
    test(title, async () => {
      await withPool(
        {},
        async ({ acquire, open }) => {
          const caller = acquire();
          await caller.exchange();
          assert.deepEqual([caller.status, open()], [200, 0]);
        },
        async (connection) => {
          await connection.head();
          await connection.send(text);
        },
      );
    });
  }

  test('when octets come while nobody asked', async () => {
    await withPool({}, async ({ acquire, upstream, open }) => {
      await acquire().exchange();
      await (await upstream.connection(0)).send('HTTP/1.1 408 Timeout\r\n\r\n');
      while (open() > 0) await new Promise(setImmediate);
    });
  });

  test('when the request was not sent to its end', async () => {
    await withPool({}, async ({ acquire, open }) => {
      const caller = acquire();
      const connection = await caller.connected();
      connection.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n', 'POST', false, '');
      connection.flush();
      while (!caller.done) await new Promise(setImmediate);
      assert.deepEqual([caller.status, open()], [200, 0]);
    });
  });
});

suite('a pool that is retired', () => {
  test('closes idle connections now and busy ones after their request', async () => {
    await withPool({}, async ({ acquire, pool, open }) => {
      const [idle, busy] = [acquire(), acquire()];
      await idle.exchange();
      const answered = busy.exchange();
      await busy.connected();
      pool.retire();
      assert.equal(open(), 1);
      await answered;
      assert.deepEqual([busy.status, open()], [200, 0]);
    });
  });

  test('still serves requests that began before, and keeps nothing for them', async () => {
    await withPool({}, async ({ acquire, pool, open }) => {
      pool.retire();
      const late = acquire();
      await late.exchange();
      assert.deepEqual([late.status, open()], [200, 0]);
    });
  });
});

suite('a connection that cannot be made', () => {
  test('in time fails as such, and gives its place free', async () => {
    // The clock alone makes it late: the event loop had no turn to connect in.
    await withPool({ connectMs: 1000, max: 1 }, async ({ acquire, elapse, open }) => {
      const caller = acquire();
      elapse(1200);
      assert.deepEqual(caller.failure, { kind: 'connect_timeout', cause: 'no connection within 1000 ms' });
      assert.equal(open(), 0);
      await acquire().exchange();
    });
  });
});
