import { totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** How hard pressed this thread and its process are. */
export interface Load {
  /** When it was measured, in milliseconds of `performance.now()`; 0 before the first time. */
  readonly measuredAtMs: number;
  /** How late this thread's event loop turns, on average over the last quarters of a second. */
  readonly eventLoopDelayMs: number;
  /**
   * The larger of two shares, of which 1 is all: resident memory of the process, of what it may use (the limit of its control group, else all
   * of the machine); and the heap of this thread, of the limit that V8 has for it, at which the thread dies however much memory there is.
   */
  readonly memoryShare: number;
}

/** Each sample wakes an idle thread. */
const RESOLUTION_MS = 20;
/** Shorter, and one collection of garbage would look like an overload; longer, and a real one would be noticed late. */
const WINDOW_MS = 250;

/** What the gauge reads, for tests. */
export interface LoadSources {
  readonly now: () => number;
  readonly monitor: () => Pick<
    ReturnType<typeof monitorEventLoopDelay>,
    'count' | 'mean' | 'enable' | 'disable' | 'reset'
  >;
  readonly residentShare: () => number;
  readonly heapShare: () => number;
}

/**
 * Measures the load of a thread for those who ask, and only from their first question on. It has no timer of its own in JavaScript: who
 * asks too early gets the measurement before, and while nobody asks nothing is looked at. The probe of the metrics cannot serve, since it
 * sums up five seconds.
 */
export class LoadGauge {
  readonly #sources: LoadSources;
  readonly #load = { measuredAtMs: 0, eventLoopDelayMs: 0, memoryShare: 0 };
  #delay: ReturnType<LoadSources['monitor']> | undefined;

  constructor(sources: LoadSources = SYSTEM) {
    this.#sources = sources;
  }

  /** The same object each time, with what is new in it. */
  read(): Load {
    const now = this.#sources.now();
    if (now - this.#load.measuredAtMs >= WINDOW_MS) this.#measure(now);
    return this.#load;
  }

  close(): void {
    this.#delay?.disable();
    this.#delay = undefined;
  }

  #measure(now: number): void {
    const load = this.#load;
    if (this.#delay === undefined) {
      this.#delay = this.#sources.monitor();
      this.#delay.enable();
    } else if (this.#delay.count > 0) {
      // The histogram holds the time between samples in nanoseconds, the wanted interval included.
      const lateMs = Math.max(0, this.#delay.mean / 1e6 - RESOLUTION_MS);
      load.eventLoopDelayMs = (load.eventLoopDelayMs + lateMs) / 2;
      this.#delay.reset();
    }
    load.memoryShare = Math.max(this.#sources.residentShare(), this.#sources.heapShare());
    load.measuredAtMs = now;
  }
}

const SYSTEM: LoadSources = {
  now: () => performance.now(),
  monitor: () => monitorEventLoopDelay({ resolution: RESOLUTION_MS }),
  residentShare: () => process.memoryUsage.rss() / usableBytes(),
  heapShare: () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return used / limit;
  },
};

function usableBytes(): number {
  // Without a limit it is 0, or more than any machine has.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
