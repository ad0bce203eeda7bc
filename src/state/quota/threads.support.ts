import { parentPort, workerData } from 'node:worker_threads';
import { newCharges, type Period } from './quota.ts';
import { QuotaTable } from './quota-table.ts';

/** One of the threads of threads.test.ts: all of them take of the same quotas at the same time. */
export interface ThreadStart {
  readonly owner: number;
  readonly threads: number;
  readonly shared: SharedArrayBuffer;
  /** One word: how many have arrived. */
  readonly barrier: SharedArrayBuffer;
  /** By period; 0 is none. */
  readonly limits: readonly number[];
  /** One after the other: who is counted in the first is counted anew in the next. */
  readonly periods: readonly Period[];
  readonly consumers: number;
  readonly times: number;
  /** Ends with a lock held, for others to get over. */
  readonly dies: boolean;
}

export interface ThreadReport {
  /** Taken, by period and consumer. */
  readonly taken: readonly (readonly number[])[];
  /** Where the table had no place. */
  readonly full: number;
}

const { owner, threads, shared, barrier, limits, periods, consumers, times, dies } =
  workerData as ThreadStart;
const table = new QuotaTable(shared, owner);
const charges = newCharges();
const arrived = new Int32Array(barrier);
const refused = { full: 0 };

function takeAll(period: Period): number[] {
  const taken = Array.from({ length: consumers }, () => 0);
  for (let i = 0; i < times; i++) {
    const consumer = (i * 7 + owner) % consumers;
    for (const [which, charge] of charges.entries()) {
      charge.limit = limits[which] ?? 0;
      charge.period = period;
    }
    const got = table.take('gold', `consumer ${consumer}`, charges, period.startMs);
    if (got === 'taken') taken[consumer] = (taken[consumer] ?? 0) + 1;
    else if (got === 'full') refused.full++;
  }
  return taken;
}

const taken = periods.map((period, round) => {
  // All of them begin each period at the same time.
  Atomics.add(arrived, 0, 1);
  while (Atomics.load(arrived, 0) < threads * (round + 1));
  return takeAll(period);
});
if (dies) table.locks.acquire(0);
parentPort?.postMessage({ taken, ...refused } satisfies ThreadReport);
