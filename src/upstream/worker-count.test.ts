import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { MAX_WORKERS, WorkerCount } from './worker-count.ts';

function workers(count: number): WorkerCount[] {
  const shared = new SharedArrayBuffer(WorkerCount.BYTES);
  return Array.from({ length: count }, (_, id) => new WorkerCount(shared, 0, id));
}

suite('a count of all workers', () => {
  test('is that of all who entered and did not leave', () => {
    const [one, two] = workers(2) as [WorkerCount, WorkerCount];
    one.enter();
    two.enter();
    two.enter();
    one.leave();
    assert.deepEqual([one.total(), two.total()], [2, 2]);
  });

  test('goes up to a limit, whoever enters', () => {
    const [one, two] = workers(2) as [WorkerCount, WorkerCount];
    assert.deepEqual(
      [one.tryEnter(2), two.tryEnter(2), one.tryEnter(2), two.tryEnter(2)],
      [true, true, false, false],
    );
    two.leave();
    assert.deepEqual([one.tryEnter(2), two.tryEnter(2)], [true, false]);
    assert.equal(one.tryEnter(0), false);
  });

  test('loses what a worker that died had entered, and nothing else, even the last of all workers', () => {
    const all = workers(MAX_WORKERS);
    const last = all.at(-1) as WorkerCount;
    for (const worker of all) worker.enter();
    last.enter();
    all[0]?.forgetWorker(MAX_WORKERS - 1);
    assert.equal(last.total(), MAX_WORKERS - 1);
    all[0]?.forgetWorker(MAX_WORKERS - 1);
    assert.equal(last.total(), MAX_WORKERS - 1);
  });

  test('is that of a simple model, and never negative, whatever workers do and die', () => {
    const step = fc.record({
      kind: fc.constantFrom('enter', 'tryEnter', 'tryEnter', 'leave', 'die'),
      worker: fc.nat(3),
      limit: fc.nat(6),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const counts = workers(4);
        const model = [0, 0, 0, 0];
        const sum = (): number => model.reduce((total, part) => total + part, 0);
        for (const { kind, worker, limit } of steps) {
          const count = counts[worker] as WorkerCount;
          const part = model[worker] as number;
          if (kind === 'enter') {
            count.enter();
            model[worker] = part + 1;
          } else if (kind === 'tryEnter') {
            const room = sum() < limit;
            assert.equal(count.tryEnter(limit), room);
            if (room) model[worker] = part + 1;
          } else if (kind === 'leave' && part > 0) {
            count.leave();
            model[worker] = part - 1;
          } else if (kind === 'die') {
            (counts[0] as WorkerCount).forgetWorker(worker);
            model[worker] = 0;
          }
          assert.equal(count.total(), sum());
        }
      }),
    );
  });
});
