import { parentPort, workerData } from 'node:worker_threads';
import { Breaker, type Permit, REJECTED } from './breaker/breaker.ts';
import { REQUESTS } from './breaker/region.ts';
import { breakerSchema } from './breaker/schema.ts';
import { ServiceCell, TargetCell } from './cells.ts';
import { OutlierDetector, returnTarget } from './outlier/detector.ts';
import { outlierSchema } from './outlier/schema.ts';
import { SlidingWindow } from './sliding-window.ts';

/** One of the threads of threads.test.ts: all of them do the same at the same time over the same cells. */
export interface ThreadStart {
  readonly workerId: number;
  readonly threads: number;
  readonly service: SharedArrayBuffer;
  readonly target: SharedArrayBuffer;
  /** Two words: who has arrived, and how often all had. */
  readonly barrier: SharedArrayBuffer;
  readonly times: number;
  readonly rounds: number;
  /** Of requests under way, and of probes. */
  readonly limit: number;
}

export interface ThreadReport {
  /** Times that there were more than the limit at once, as far as this thread saw. */
  readonly overLimit: number;
  /** What the window held when all had counted. */
  readonly inWindow: number;
  /** The changes of the breaker that this thread reported, per round. */
  readonly changes: readonly (readonly string[])[];
  /** The probes that this thread was let through with, per round. */
  readonly probes: readonly number[];
  readonly ejections: readonly number[];
}

const START_MS = 5_000_000;
/** So many that the bound of how many may be out is not what keeps an ejection from happening twice. */
const TARGETS = 100;
const { workerId, threads, times, rounds, limit, ...shared } = workerData as ThreadStart;
const service = new ServiceCell(shared.service, workerId);
const target = new TargetCell(shared.target, workerId);
const barrier = new Int32Array(shared.barrier);

/** A thread that sleeps wakes too late: the first one would be done by then. */
const SPINS = 20_000;

/** Goes on when all threads are here, all at once where there are processors enough. */
function meet(): void {
  const round = Atomics.load(barrier, 1);
  if (Atomics.add(barrier, 0, 1) + 1 < threads) {
    for (let spins = 0; Atomics.load(barrier, 1) === round; spins++)
      if (spins > SPINS) Atomics.wait(barrier, 1, round);
    return;
  }
  Atomics.store(barrier, 0, 0);
  Atomics.add(barrier, 1, 1);
  Atomics.notify(barrier, 1);
}

/** Comes and goes many times, and leaves one more than its number under way. */
function countInFlight(): number {
  let overLimit = 0;
  meet();
  for (let i = 0; i < times; i++) {
    target.inFlight.enter();
    if (service.inFlight.tryEnter(limit)) {
      if (service.inFlight.total() > limit) overLimit++;
      service.inFlight.leave();
    }
    if (i >= workerId + 1) target.inFlight.leave();
  }
  return overLimit;
}

/** Counts while the window moves, but not so far that anything falls out of it. */
function countInWindow(): number {
  const window = new SlidingWindow(target.breaker.window, 1000);
  window.advance(START_MS);
  meet();
  for (let i = 0; i < times; i++) {
    window.advance(START_MS + (i * 999) / times);
    window.count(REQUESTS);
  }
  meet();
  return window.total(REQUESTS);
}

function turnBreaker(): Pick<ThreadReport, 'changes' | 'probes'> {
  const settings = breakerSchema.parse({ probes: limit, closeAfter: limit, rampUp: '10s' });
  const changes: string[] = [];
  const breaker = new Breaker(
    service.breaker,
    settings,
    () => 0,
    ({ from, to }) => changes.push(`${from} > ${to}`),
  );
  const report = { changes: [] as string[][], probes: [] as number[] };
  for (let round = 0, nowMs = START_MS; round < rounds; round++, nowMs += 100_000) {
    meet();
    for (let i = 0; i < 50; i++) {
      const permit = breaker.admit(nowMs);
      if (permit !== REJECTED) breaker.record(permit, true, 1, nowMs);
    }
    meet();
    nowMs += settings.openFor;
    const permits: Permit[] = [];
    for (let i = 0; i < 2 * limit; i++) permits.push(breaker.admit(nowMs));
    const probes = permits.filter((permit) => permit !== REJECTED);
    meet();
    for (const permit of probes) breaker.record(permit, false, 1, nowMs);
    meet();
    nowMs += settings.rampUp;
    breaker.release(breaker.admit(nowMs), -1, nowMs);
    report.changes.push(changes.splice(0));
    report.probes.push(probes.length);
  }
  return report;
}

function eject(): number[] {
  const detector = new OutlierDetector(outlierSchema.parse({}));
  const ejections: number[] = [];
  for (let round = 0; round < rounds; round++) {
    meet();
    let ejected = 0;
    for (let i = 0; i < 20; i++)
      if (detector.onResult(target, service, 500, TARGETS, START_MS)?.verdict === 'ejected') ejected++;
    ejections.push(ejected);
    meet();
    if (workerId === 0) returnTarget(target, service, START_MS);
  }
  return ejections;
}

const overLimit = countInFlight();
const inWindow = countInWindow();
const report: ThreadReport = { overLimit, inWindow, ...turnBreaker(), ejections: eject() };
parentPort?.postMessage(report);
