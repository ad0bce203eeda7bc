import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Coarse on purpose: each sample wakes the thread, and an idle gateway should sleep. */
const RESOLUTION_MS = 50;
const INTERVAL_MS = 5000;

/**
 * Measures how late this thread's event loop is and how busy, and reports both every five seconds: the 99th percentile of the
 * delay in seconds, and the share of time busy.
 */
export class EventLoopProbe {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #before = performance.eventLoopUtilization();

  constructor(report: (delaySeconds: number, utilization: number) => void) {
    this.#delay.enable();
    this.#timer = setInterval(() => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, this.#before);
      this.#before = now;
      // The histogram holds the time between samples, the wanted interval included.
      const lateNs = this.#delay.percentile(99) - RESOLUTION_MS * 1e6;
      this.#delay.reset();
      report(Math.max(0, lateNs) / 1e9, utilization);
    }, INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }
}
