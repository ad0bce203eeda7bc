import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Changes } from '../../../test/support/changes.ts';
import { answer, type Script, ScriptedUpstream } from '../../../test/support/scripted-upstream.ts';
import { FieldNames } from '../../http/field-names.ts';
import type { ResponseHead } from '../../http/response-head.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { ServiceCell } from '../cells.ts';
import type { UpstreamConnection, UpstreamListener } from '../connection.ts';
import type { UpstreamFailure } from '../failure.ts';
import { limitsSchema } from '../limits/schema.ts';
import { ServiceLimits } from '../limits/service-limits.ts';
import { Pool, type PoolSettings } from './pool.ts';

const SETTINGS: Omit<PoolSettings, 'host' | 'port'> = {
  tls: undefined,
  connectMs: 0,
  firstByteMs: 0,
  idleMs: 0,
  tunnelIdleMs: 0,
  keepMs: 0,
  lifetimeMs: 0,
  limits: { head: 1000, fields: 10 },
  max: 0,
  pending: 0,
  idle: 10,
};

/** Someone who wants a connection: takes note of what it is told, and sends nothing before the test says so. */
class Caller implements UpstreamListener {
  connection: UpstreamConnection | undefined;
  status = 0;
  done = false;
  failure: UpstreamFailure | undefined;
  readonly #changes = new Changes();

  onConnecting(): void {}
  onConnection(connection: UpstreamConnection): void {
    this.connection = connection;
    this.#changes.tell();
  }
  onInformational(): void {}
  onHead(head: ResponseHead): void {
    this.status = head.status;
  }
  onBody(): void {}
  onBodyEnd(): void {
    this.done = true;
    this.#changes.tell();
  }
  onFlush(): void {}
  onDrain(): void {}
  onTunnelEnd(): void {}
  onFailure(failure: UpstreamFailure): void {
    this.failure = failure;
    this.#changes.tell();
  }

  async connected(): Promise<UpstreamConnection> {
    await this.#changes.until(() => this.connection !== undefined, 'a connection');
    return this.connection as UpstreamConnection;
  }
  async failed(): Promise<UpstreamFailure> {
    await this.#changes.until(() => this.failure !== undefined, 'a failure');
    return this.failure as UpstreamFailure;
  }
  /** Sends a request and waits for the whole answer. */
  async exchange(): Promise<void> {
    const connection = await this.connected();
    connection.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET', false, false);
    connection.endRequest(undefined);
    connection.flush();
    await this.#changes.until(
      () => this.done,
      'the end of the answer',
      () => String(this.failure?.cause),
    );
  }
}

/** Answers every request with 200. */
const fine: Script = async (connection) => {
  for (;;) {
    await connection.head();
    await connection.send(answer(200, 'fine'));
  }
};

/** What pools of one service count together, as worker 0 does it. */
const limitsOf = (cell: ServiceCell, limits: object = {}): ServiceLimits =>
  new ServiceLimits(cell, limitsSchema.parse(limits), () => 0);

interface Bench {
  readonly pool: Pool;
  /** Another target of the same service, at the same upstream. */
  readonly other: Pool;
  /** Of the service. */
  readonly cell: ServiceCell;
  readonly upstream: ScriptedUpstream;
  /** Moves the clock and lets deadlines pass. */
  elapse(ms: number): void;
  /** Connections that the pool has open, as its observer was told. */
  open(): number;
  acquire(fresh?: boolean, from?: Pool): Caller;
}

async function withPool(
  settings: Partial<PoolSettings>,
  act: (bench: Bench) => Promise<void>,
  script: Script = fine,
  limits: object = {},
): Promise<void> {
  await using upstream = await ScriptedUpstream.start(script);
  const clock = { nowMs: 0 };
  const deadlines = new Deadlines(() => clock.nowMs);
  let open = 0;
  const observer = { connectionOpened: () => void open++, connectionClosed: () => void open-- };
  const cell = new ServiceCell(ServiceCell.allocate(), 0);
  const serviceLimits = limitsOf(cell, limits);
  const [pool, other] = [0, 1].map(
    () =>
      new Pool(
        { ...SETTINGS, host: '127.0.0.1', port: upstream.port, ...settings },
        deadlines,
        new FieldNames(),
        observer,
        serviceLimits,
      ),
  ) as [Pool, Pool];
  await act({
    pool,
    other,
    cell,
    upstream,
    elapse(ms) {
      clock.nowMs += ms;
      deadlines.sweep();
    },
    open: () => open,
    acquire(fresh = false, from = pool) {
      const caller = new Caller();
      from.acquire(caller, fresh);
      return caller;
    },
  });
  pool.retire();
  other.retire();
}

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

suite('a pool with a limit', () => {
  test('lets requests wait, and serves them in the order in which they came', async () => {
    await withPool({ max: 1, pending: 2 }, async ({ acquire, upstream }) => {
      const [one, two, three] = [acquire(), acquire(), acquire()];
      await one.connected();
      assert.deepEqual([two.connection, three.connection], [undefined, undefined]);
      await one.exchange();
      assert.equal(two.connection, one.connection);
      assert.equal(three.connection, undefined);
      await two.exchange();
      assert.equal(three.connection, one.connection);
      await three.exchange();
      assert.equal(upstream.connections.length, 1);
    });
  });

  test('refuses those beyond what may wait, with how many do', async () => {
    await withPool({ max: 1, pending: 1 }, async ({ acquire }) => {
      acquire();
      const waiting = acquire();
      const refused = acquire();
      assert.deepEqual(refused.failure, {
        kind: 'overloaded',
        cause: '1 requests already wait for a connection',
      });
      assert.equal(waiting.failure, undefined);
    });
  });

  test('counts connections that are still being made', async () => {
    await withPool({ max: 1 }, async ({ acquire }) => {
      acquire();
      assert.equal(acquire().failure?.kind, 'overloaded');
    });
  });

  test('forgets who does not want to wait any more', async () => {
    await withPool({ max: 1, pending: 2 }, async ({ acquire, pool }) => {
      const [one, two, three] = [acquire(), acquire(), acquire()];
      pool.forget(two);
      pool.forget(two);
      assert.equal(acquire().failure, undefined, 'there is room again');
      await one.exchange();
      assert.equal(two.connection, undefined);
      await three.exchange();
    });
  });

  test('opens a connection for who waits when one is lost', async () => {
    await withPool({ max: 1, pending: 1 }, async ({ acquire, upstream }) => {
      const [one, two] = [acquire(), acquire()];
      (await one.connected()).cancel();
      await two.exchange();
      assert.equal(upstream.connections.length, 2);
    });
  });

  test('tries on for each who waits when the upstream cannot be reached', async () => {
    await using upstream = await ScriptedUpstream.start(fine);
    const { port } = upstream;
    await upstream.close();
    const deadlines = new Deadlines(() => 0);
    const observer = { connectionOpened() {}, connectionClosed() {} };
    const cell = new ServiceCell(ServiceCell.allocate(), 0);
    const pool = new Pool(
      { ...SETTINGS, host: '127.0.0.1', port, max: 1, pending: 5 },
      deadlines,
      new FieldNames(),
      observer,
      limitsOf(cell),
    );
    const callers = Array.from({ length: 4 }, () => new Caller());
    for (const caller of callers) pool.acquire(caller, false);
    for (const caller of callers)
      assert.deepEqual(await caller.failed(), { kind: 'refused', cause: 'ECONNREFUSED' });
    assert.deepEqual([cell.connections.total(), cell.pending.total()], [0, 0]);
  });
});

suite('the limits of a service', () => {
  const LIMITED = { pending: 10 };
  const counts = ({ cell }: Bench): number[] => [cell.connections.total(), cell.pending.total()];

  test('of connections bound all targets together, and requests beyond wait for one of their own target', async () => {
    const act = async (bench: Bench) => {
      const { acquire, other, open } = bench;
      const [one, two] = [acquire(), acquire(false, other)];
      await Promise.all([one.connected(), two.connected()]);
      const waiting = acquire();
      assert.deepEqual([waiting.connection, open(), ...counts(bench)], [undefined, 2, 2, 1]);
      await two.exchange();
      assert.equal(waiting.connection, undefined, 'that of the other target is of no use to it');
      await one.exchange();
      assert.equal(waiting.connection, one.connection);
      await waiting.exchange();
      assert.deepEqual([open(), ...counts(bench)], [2, 2, 0]);
    };
    await withPool(LIMITED, act, fine, { connections: 2 });
  });

  test('of connections let a target have its first one always, since it could never be asked', async () => {
    const act = async (bench: Bench) => {
      const { acquire, other } = bench;
      await acquire().exchange();
      await acquire(false, other).exchange();
      assert.deepEqual(counts(bench), [2, 0]);
      const [again, waits] = [acquire(false, other), acquire(false, other)];
      assert.deepEqual([again.connection === undefined, waits.connection], [false, undefined]);
      await again.exchange();
      await waits.exchange();
      assert.deepEqual(counts(bench), [2, 0]);
    };
    await withPool(LIMITED, act, fine, { connections: 1 });
  });

  test('of connections wake who waits within a sweep when another pool has closed one', async () => {
    const act = async (bench: Bench) => {
      const { acquire, other, elapse } = bench;
      const [one, two] = [acquire(), acquire(false, other)];
      await Promise.all([one.connected(), two.connected()]);
      const waiting = acquire();
      two.connection?.cancel();
      assert.deepEqual(counts(bench), [1, 1]);
      elapse(100);
      await waiting.exchange();
      assert.notEqual(waiting.connection, one.connection);
      assert.deepEqual(counts(bench), [2, 0]);
    };
    await withPool(LIMITED, act, fine, { connections: 2 });
  });

  test('of connections give one that another pool has closed to who waits, not to the next who asks', async () => {
    const act = async (bench: Bench) => {
      const { acquire, other } = bench;
      const [one, two] = [acquire(), acquire(false, other)];
      await Promise.all([one.connected(), two.connected()]);
      const waiting = acquire();
      two.connection?.cancel();
      const next = acquire();
      await waiting.exchange();
      assert.equal(next.connection, waiting.connection, 'when the first is done with it');
      assert.deepEqual(counts(bench), [2, 0]);
    };
    await withPool(LIMITED, act, fine, { connections: 2 });
  });

  test('of connections let a fresh one be an idle one where no further one may be opened', async () => {
    const act = async (bench: Bench) => {
      const { acquire } = bench;
      const one = acquire();
      await one.exchange();
      assert.equal(acquire(true).connection, one.connection);
    };
    await withPool(LIMITED, act, fine, { connections: 1 });
  });

  test('of connections have room again when one is lost, and whoever waited gets it', async () => {
    const act = async (bench: Bench) => {
      const { acquire } = bench;
      const [one, two] = [acquire(), acquire()];
      (await one.connected()).cancel();
      await two.exchange();
      assert.deepEqual([bench.upstream.connections.length, ...counts(bench)], [2, 1, 0]);
    };
    await withPool(LIMITED, act, fine, { connections: 1 });
  });

  test('of waiting requests bound all targets together: beyond them a request is refused', async () => {
    const act = async (bench: Bench) => {
      const { acquire, other } = bench;
      await Promise.all([acquire().connected(), acquire(false, other).connected()]);
      const [waits, refused] = [acquire(), acquire(false, other)];
      assert.deepEqual(
        [waits.failure, refused.failure],
        [
          undefined,
          {
            kind: 'overloaded',
            cause: 'as many requests already wait for a connection to the service as may',
          },
        ],
      );
      assert.deepEqual(counts(bench), [2, 1]);
    };
    await withPool({ max: 1, pending: 10 }, act, fine, { pending: 1 });
  });

  const ends: [how: string, act: (bench: Bench, waiting: Caller) => Promise<void> | void][] = [
    ['is forgotten', ({ pool }, waiting) => pool.forget(waiting)],
    ['has waited long enough', ({ elapse }) => elapse(1200)],
  ];
  for (const [how, end] of ends) {
    test(`do not count a request any more that ${how}`, async () => {
      const act = async (bench: Bench) => {
        const { acquire } = bench;
        const one = acquire();
        await one.connected();
        const waiting = acquire();
        assert.deepEqual(counts(bench), [1, 1]);
        await end(bench, waiting);
        assert.deepEqual(counts(bench), [1, 0]);
        await one.exchange();
        assert.equal(waiting.connection, undefined);
      };
      await withPool({ max: 1, pending: 10, connectMs: 1000 }, act);
    });
  }

  const closings: [how: string, act: (bench: Bench, used: Caller) => Promise<void> | void][] = [
    ['the pool is retired', ({ pool }) => pool.retire()],
    ['it was idle for its time', ({ elapse }) => elapse(1200)],
    ['the upstream closed it', async ({ upstream }) => (await upstream.connection(0)).close()],
  ];
  for (const [how, close] of closings) {
    test(`do not count a connection any more when ${how}`, async () => {
      const act = async (bench: Bench) => {
        const used = bench.acquire();
        await used.exchange();
        assert.deepEqual(counts(bench), [1, 0]);
        await close(bench, used);
        while (bench.open() > 0) await new Promise(setImmediate);
        assert.deepEqual(counts(bench), [0, 0]);
      };
      await withPool({ keepMs: 1000 }, act);
    });
  }
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
      connection.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n', 'POST', false, false);
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
