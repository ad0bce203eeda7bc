import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ScriptedUpstream } from '../../../test/support/scripted-upstream.ts';
import { FieldNames } from '../../http/field-names.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { ServiceCell } from '../cells.ts';
import { type Bench, Caller, fine, limitsOf, SETTINGS, withPool } from './pool.support.ts';
import { Pool } from './pool.ts';

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
