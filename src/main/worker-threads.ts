import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { WorkerStart } from './messages.ts';

/** Several threads on one port need SO_REUSEPORT with load balancing; Node.js refuses it elsewhere. */
export const REUSE_PORT = process.platform === 'linux';

/** Threads to run, of so many that are wanted; 0 is one per core. */
export function workerCount(wanted: number): number {
  if (!REUSE_PORT) return 1;
  return wanted === 0 ? availableParallelism() : wanted;
}

/** Starts the thread of one worker. */
export function spawnWorker(start: WorkerStart): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(fileURLToPath(new URL(`./worker.${extension}`, import.meta.url)), {
    name: `portcullis worker ${start.workerId}`,
    workerData: start,
    transferList: [start.records],
  });
}
