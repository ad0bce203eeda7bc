import { parentPort, workerData } from 'node:worker_threads';
import type { Limit } from '../limiter.ts';
import { LimitTable } from './limit-table.ts';
import { SharedLimiter } from './shared-limiter.ts';

/** One of the threads of threads.test.ts: all of them take of the same limits at the same time. */
export interface ThreadStart {
  readonly workerId: number;
  readonly threads: number;
  readonly shared: SharedArrayBuffer;
  /** One word: how many have arrived. */
  readonly barrier: SharedArrayBuffer;
  readonly limits: readonly Limit[];
  readonly keys: number;
  readonly times: number;
  /** Ends with a lock held, for others to get over. */
  readonly dies: boolean;
}

export interface ThreadReport {
  /** Admitted, by key. */
  readonly admitted: readonly number[];
}

const NOW_MS = 5_000_000;
const { workerId, threads, shared, barrier, limits, keys, times, dies } = workerData as ThreadStart;
const decision = new SharedLimiter(shared, workerId, () => NOW_MS).decision(limits);
const arrived = new Int32Array(barrier);
const admitted = Array.from({ length: keys }, () => 0);

Atomics.add(arrived, 0, 1);
while (Atomics.load(arrived, 0) < threads);

for (let i = 0; i < times; i++) {
  const key = (i * 7 + workerId) % keys;
  for (const charge of decision.charges) charge.key = `key ${key}`;
  if (decision.take() === 'taken') admitted[key] = (admitted[key] ?? 0) + 1;
  decision.release();
}
if (dies) new LimitTable(shared, workerId).locks.acquire(0);
parentPort?.postMessage({ admitted } satisfies ThreadReport);
