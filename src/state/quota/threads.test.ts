import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Period } from './quota.ts';
import { QuotaTable } from './quota-table.ts';
import type { ThreadReport, ThreadStart } from './threads.support.ts';

const THREADS = 4;
const CONSUMERS = 16;
const DAY_MS = 86_400_000;
const day = (number: number): Period => ({ startMs: number * DAY_MS, endMs: (number + 1) * DAY_MS });

type Play = Pick<ThreadStart, 'shared' | 'limits' | 'periods' | 'times'> & { readonly dying?: number };

/** What all threads together took, by period and consumer. */
async function run({ dying, ...play }: Play): Promise<number[][]> {
  const barrier = new SharedArrayBuffer(4);
  const workers = Array.from({ length: THREADS }, (_, index) => {
    const own = { owner: index + 1, dies: index === dying };
    const workerData: ThreadStart = { ...play, ...own, threads: THREADS, barrier, consumers: CONSUMERS };
    return new Worker(new URL('./threads.support.ts', import.meta.url), { workerData });
  });
  const reports = await Promise.all(
    workers.map(async (worker) => {
      const [report] = (await once(worker, 'message')) as [ThreadReport];
      await worker.terminate();
      return report;
    }),
  );
  assert.equal(
    reports.reduce((sum, { full }) => sum + full, 0),
    0,
  );
  return play.periods.map((_, period) =>
    Array.from({ length: CONSUMERS }, (__, consumer) =>
      reports.reduce((sum, { taken }) => sum + (taken[period]?.[consumer] ?? 0), 0),
    ),
  );
}

/** What the table says of each consumer, by period. */
function counted(shared: SharedArrayBuffer): number[][] {
  const table = new QuotaTable(shared, 0);
  const found: number[][] = [];
  for (let slot = 0; slot < table.slots; slot++) {
    const used = table.read(slot, ({ counts }) => counts.map((count) => count.used));
    if (used !== undefined) found.push(used);
  }
  return found;
}

const each = <Value>(value: Value): Value[] => Array.from({ length: CONSUMERS }, () => value);

describe('Threads that take of one table of quotas at the same time', () => {
  it('lose no count where there is room for all', async () => {
    const shared = QuotaTable.allocate(1000);
    const times = 50_000;
    const [taken] = await run({ shared, limits: [10_000_000, 10_000_000], periods: [day(1)], times });
    const all = (THREADS * times) / CONSUMERS;
    assert.deepEqual(taken, each(all));
    assert.deepEqual(counted(shared), each([all, all]));
  });

  it('take exactly the quota, the lower one of two, and leave of the other what it refuses', async () => {
    const shared = QuotaTable.allocate(1000);
    const [taken] = await run({ shared, limits: [3000, 4000], periods: [day(1)], times: 60_000 });
    assert.deepEqual(taken, each(3000));
    assert.deepEqual(counted(shared), each([3000, 3000]));
  });

  it('begin a period together, and count each one by itself', async () => {
    const shared = QuotaTable.allocate(1000);
    const periods = [day(1), day(2), day(3)];
    const taken = await run({ shared, limits: [1000, 0], periods, times: 20_000 });
    assert.deepEqual(taken, [each(1000), each(1000), each(1000)]);
  });

  it('go on when one of them dies with a lock', async () => {
    const shared = QuotaTable.allocate(1000);
    const dying = THREADS - 1;
    await run({ shared, limits: [1, 0], periods: [day(1)], times: 100, dying });
    new QuotaTable(shared, 0).locks.forgetWorker(dying + 1);
    const [taken] = await run({ shared, limits: [100, 0], periods: [day(2)], times: 10_000 });
    assert.deepEqual(taken, each(100));
  });
});
