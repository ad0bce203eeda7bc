/** Entry of a worker thread: one data plane, told by the supervisor what to serve. */
import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { DataPlane } from '../server/data-plane.ts';
import { RemoteRecords } from '../state/records/memory/remote-records.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { VERSION } from './version.ts';
import { answerSupervisor } from './worker-loop.ts';

if (parentPort === null)
  throw new Error('worker.ts is started by the supervisor as a thread, never by itself');
const port = parentPort;
const start = workerData as WorkerStart;
/** What is in `moved` changes hands instead of being copied. */
const post = (message: FromWorker, moved: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, moved);

const plane = new DataPlane({
  workerId: start.workerId,
  version: VERSION,
  reusePort: start.reusePort,
  terminal: start.color,
  connectionCounters: start.connectionCounters,
  limitTable: start.limitTable,
  quotaTable: start.quotaTable,
  records: () => new RemoteRecords(start.records),
  log: (level, message, detail) => post({ kind: 'log', level, message, detail: cloneable(detail) }),
  accessLogSink: (batch) => post({ kind: 'accessLog', batch }, [batch.buffer as ArrayBuffer]),
  metricsPost: (message) => post({ kind: 'metrics', message }),
});
const answer = answerSupervisor(plane, post);
port.on('message', (message: ToWorker) => answer(message));

/** What structured clone refuses (a function within an object) must not end a worker because it was to be logged. */
function cloneable(detail: unknown): unknown {
  if (detail === undefined || typeof detail === 'string' || detail instanceof Error) return detail;
  try {
    return structuredClone(detail);
  } catch {
    return inspect(detail, { depth: 2, maxStringLength: 1000, breakLength: Number.POSITIVE_INFINITY });
  }
}
