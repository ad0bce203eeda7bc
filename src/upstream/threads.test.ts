import assert from 'node:assert/strict';
import { once } from 'node:events';
import { before, suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ServiceCell, TargetCell } from './cells.ts';
import type { ThreadReport, ThreadStart } from './threads.support.ts';

const THREADS = 3;
const ROUNDS = 1000;
const TIMES = 200_000;
const LIMIT = 4;

suite('threads that all do the same over the same cells', { timeout: 60_000 }, () => {
  const service = new ServiceCell(ServiceCell.allocate(), 0);
  const target = new TargetCell(TargetCell.allocate(), 0);
  let reports: readonly ThreadReport[] = [];

  /** Of each round, what all of the threads reported. */
  const perRound = <T>(of: (report: ThreadReport) => readonly T[]): T[][] =>
    Array.from({ length: ROUNDS }, (_, round) => reports.map((report) => of(report)[round] as T));
  const sums = (of: (report: ThreadReport) => readonly number[]): number[] =>
    perRound(of).map((parts) => parts.reduce((sum, part) => sum + part, 0));

  before(async () => {
    const barrier = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
    const threads = Array.from({ length: THREADS }, (_, workerId) => {
      const start: ThreadStart = {
        workerId,
        threads: THREADS,
        service: service.shared,
        target: target.shared,
        barrier,
        times: TIMES,
        rounds: ROUNDS,
        limit: LIMIT,
      };
      return new Worker(new URL('./threads.support.ts', import.meta.url), { workerData: start });
    });
    try {
      reports = await Promise.all(
        threads.map(async (thread) => (await once(thread, 'message'))[0] as ThreadReport),
      );
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
  });

  test('lose no count of what is under way, and take a dead one’s part out', () => {
    assert.equal(target.inFlight.total(), 1 + 2 + 3);
    assert.equal(service.inFlight.total(), 0);
    target.forgetWorker(1);
    assert.equal(target.inFlight.total(), 1 + 3);
  });

  test('never see more under way than the limit', () => {
    assert.deepEqual(
      reports.map(({ overLimit }) => overLimit),
      Array(THREADS).fill(0),
    );
  });

  test('lose no count of a window that moves', () => {
    assert.deepEqual(
      reports.map(({ inWindow }) => inWindow),
      Array(THREADS).fill(THREADS * TIMES),
    );
  });

  test('report each change of the breaker exactly once', () => {
    assert.deepEqual(
      perRound(({ changes }) => changes).map((changes) => changes.flat().sort().join(', ')),
      Array(ROUNDS).fill('closed > open, half-open > ramping, open > half-open, ramping > closed'),
    );
  });

  test('are let through with exactly so many probes', () => {
    assert.deepEqual(
      sums(({ probes }) => probes),
      Array(ROUNDS).fill(LIMIT),
    );
  });

  test('report each ejection exactly once, and agree on how many are out', () => {
    assert.deepEqual(
      sums(({ ejections }) => ejections),
      Array(ROUNDS).fill(1),
    );
    assert.equal(service.ejected, 0);
  });
});
