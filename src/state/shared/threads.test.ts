import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { LimitTable } from './limit-table.ts';
import { limitOf } from './limiter.support.ts';
import type { ThreadReport, ThreadStart } from './threads.support.ts';

const THREADS = 4;
const KEYS = 16;

/** What all threads together admitted, by key. */
async function run(
  start: Pick<ThreadStart, 'limits' | 'times'> & { shared: SharedArrayBuffer; dying?: number },
) {
  const barrier = new SharedArrayBuffer(4);
  const workers = Array.from({ length: THREADS }, (_, workerId) => {
    const dies = workerId === start.dying;
    const workerData: ThreadStart = { ...start, workerId, threads: THREADS, barrier, keys: KEYS, dies };
    return new Worker(new URL('./threads.support.ts', import.meta.url), { workerData });
  });
  const reports = await Promise.all(
    workers.map(async (worker) => {
      const [report] = (await once(worker, 'message')) as [ThreadReport];
      await worker.terminate();
      return report;
    }),
  );
  return Array.from({ length: KEYS }, (_, key) =>
    reports.reduce((sum, { admitted }) => sum + (admitted[key] ?? 0), 0),
  );
}

const each = (count: number): number[] => Array.from({ length: KEYS }, () => count);

describe('Threads that take of one table at the same time', () => {
  for (const algorithm of ['gcra', 'sliding-window'] as const) {
    it(`admit exactly the limit by ${algorithm}, however often they ask`, async () => {
      const shared = LimitTable.allocate({ keys: 1000, workers: THREADS });
      const limits = [limitOf({ algorithm, quota: 5000, windowMs: 3_600_000 })];
      assert.deepEqual(await run({ shared, limits, times: 100_000 }), each(5000));
    });
  }

  it('admit exactly the lower one of several limits, and leave of the others what it refuses', async () => {
    const shared = LimitTable.allocate({ keys: 4000, workers: THREADS });
    const hour = limitOf({ id: 'hour', quota: 3000, windowMs: 3_600_000 });
    const day = limitOf({ id: 'day', quota: 4000, windowMs: 86_400_000 });
    const underWay = limitOf({ id: 'under way', algorithm: 'concurrency', quota: THREADS, windowMs: 0 });
    assert.deepEqual(await run({ shared, limits: [hour, day, underWay], times: 60_000 }), each(3000));
    assert.deepEqual(await run({ shared, limits: [day], times: 60_000 }), each(1000));
  });

  it('go on when one of them dies with a lock', async () => {
    const shared = LimitTable.allocate({ keys: 1000, workers: THREADS });
    const limits = [limitOf({ quota: 100, windowMs: 3_600_000 })];
    const dying = THREADS - 1;
    await run({ shared, limits: [limitOf({ id: 'other' })], times: 1, dying });
    new LimitTable(shared, 0).forgetWorker(dying);
    assert.deepEqual(await run({ shared, limits, times: 10_000 }), each(100));
  });
});
