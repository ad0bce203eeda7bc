import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { MetricsRecorder } from '../observability/worker-metrics.ts';

const EVERY_MS = 5000;
/** How finely the delay is looked at: the looking itself wakes the thread this often. */
const RESOLUTION_MS = 50;

/** Tells the metrics how busy this thread is: a worker that cannot keep up shows here first. */
export class EventLoopWatch {
  readonly #worker: string;
  #delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #before: EventLoopUtilization | undefined;

  constructor(worker: string) {
    this.#worker = worker;
  }

  watch(metrics: MetricsRecorder): void {
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    this.#delay = delay;
    this.#timer = setInterval(() => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, this.#before);
      this.#before = now;
      metrics.eventLoop(this.#worker, Math.max(0, delay.mean / 1e9 - RESOLUTION_MS / 1000), utilization);
      delay.reset();
    }, EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay?.disable();
  }
}
