import { BreakerRegion } from './breaker/region.ts';
import { AdaptiveRegion } from './limits/adaptive-region.ts';
import { OutlierRegion } from './outlier/region.ts';
import { RETRY_WINDOW_KINDS } from './retry/budget-words.ts';
import { WindowRegion } from './sliding-window.ts';
import { WorkerCount } from './worker-count.ts';

/** What active health checks found. */
export type TargetHealth = 'unknown' | 'up' | 'down';

const HEALTHS: readonly TargetHealth[] = ['unknown', 'up', 'down'];

/** Offsets of the parts; those that hold floats begin at a multiple of 8. */
const TARGET_HEAD = { since: 0, health: 2, draining: 3, words: 4 } as const;
const TARGET_BREAKER = TARGET_HEAD.words * Int32Array.BYTES_PER_ELEMENT;
const TARGET_OUTLIER = after(TARGET_BREAKER, BreakerRegion.BYTES);
const TARGET_IN_FLIGHT = after(TARGET_OUTLIER, OutlierRegion.BYTES);
const TARGET_BYTES = after(TARGET_IN_FLIGHT, WorkerCount.BYTES);

const SERVICE_HEAD = { version: 0, ejected: 1, words: 2 } as const;
const SERVICE_BREAKER = SERVICE_HEAD.words * Int32Array.BYTES_PER_ELEMENT;
const SERVICE_ADAPTIVE = after(SERVICE_BREAKER, BreakerRegion.BYTES);
const SERVICE_IN_FLIGHT = after(SERVICE_ADAPTIVE, AdaptiveRegion.BYTES);
const SERVICE_PENDING = after(SERVICE_IN_FLIGHT, WorkerCount.BYTES);
const SERVICE_CONNECTIONS = after(SERVICE_PENDING, WorkerCount.BYTES);
const SERVICE_RETRIES = after(SERVICE_CONNECTIONS, WorkerCount.BYTES);
const SERVICE_RETRY_WINDOW = after(SERVICE_RETRIES, WorkerCount.BYTES);
const SERVICE_BYTES = after(SERVICE_RETRY_WINDOW, WindowRegion.bytes(RETRY_WINDOW_KINDS));

/**
 * What all threads know of one target: a view over shared memory, which the main thread allocates, and which crosses threads as the
 * same memory. Times are on `clockMs()`.
 */
export class TargetCell {
  /** To be sent to other threads. */
  readonly shared: SharedArrayBuffer;
  /** Requests under way at the target. */
  readonly inFlight: WorkerCount;
  readonly breaker: BreakerRegion;
  readonly outlier: OutlierRegion;
  readonly #words: Int32Array;
  readonly #since: Float64Array;

  /** `workerId` is 0 to 63; the main thread, which sends no requests, gives 0. */
  constructor(shared: SharedArrayBuffer, workerId: number) {
    this.shared = shared;
    this.inFlight = new WorkerCount(shared, TARGET_IN_FLIGHT, workerId);
    this.breaker = new BreakerRegion(shared, TARGET_BREAKER, workerId);
    this.outlier = new OutlierRegion(shared, TARGET_OUTLIER);
    this.#words = new Int32Array(shared, 0, TARGET_HEAD.words);
    this.#since = new Float64Array(shared, 0, 1);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(TARGET_BYTES);
  }

  get health(): TargetHealth {
    return HEALTHS[Atomics.load(this.#words, TARGET_HEAD.health)] as TargetHealth;
  }

  set health(health: TargetHealth) {
    Atomics.store(this.#words, TARGET_HEAD.health, HEALTHS.indexOf(health));
  }

  /** Gets no new requests, because whoever announced it says so. */
  get draining(): boolean {
    return Atomics.load(this.#words, TARGET_HEAD.draining) === 1;
  }

  set draining(draining: boolean) {
    Atomics.store(this.#words, TARGET_HEAD.draining, draining ? 1 : 0);
  }

  /** When it was new, found up again or taken back: slow start counts from here. Set by the main thread alone. */
  get sinceMs(): number {
    return this.#since[0] as number;
  }

  set sinceMs(ms: number) {
    this.#since[0] = ms;
  }

  /** A worker died: what it had under way here is gone with it. The main thread calls this before the successor starts. */
  forgetWorker(workerId: number): void {
    this.inFlight.forgetWorker(workerId);
    this.breaker.forgetWorker(workerId);
  }
}

/** What all threads know of one service, as `TargetCell` does of a target. */
export class ServiceCell {
  /** To be sent to other threads. */
  readonly shared: SharedArrayBuffer;
  /** Requests of clients that are under way: each once, however often it is tried. */
  readonly inFlight: WorkerCount;
  /** Requests that wait for their turn. */
  readonly pending: WorkerCount;
  /** Open connections to its targets. */
  readonly connections: WorkerCount;
  /** Second and further attempts, from the decision to make them to their end. */
  readonly retries: WorkerCount;
  /** Requests and retries of the last time. */
  readonly retryWindow: WindowRegion;
  readonly breaker: BreakerRegion;
  readonly adaptive: AdaptiveRegion;
  readonly #words: Int32Array;

  /** `workerId` is 0 to 63; the main thread, which sends no requests, gives 0. */
  constructor(shared: SharedArrayBuffer, workerId: number) {
    this.shared = shared;
    this.inFlight = new WorkerCount(shared, SERVICE_IN_FLIGHT, workerId);
    this.pending = new WorkerCount(shared, SERVICE_PENDING, workerId);
    this.connections = new WorkerCount(shared, SERVICE_CONNECTIONS, workerId);
    this.retries = new WorkerCount(shared, SERVICE_RETRIES, workerId);
    this.retryWindow = new WindowRegion(shared, SERVICE_RETRY_WINDOW, RETRY_WINDOW_KINDS, workerId);
    this.breaker = new BreakerRegion(shared, SERVICE_BREAKER, workerId);
    this.adaptive = new AdaptiveRegion(shared, SERVICE_ADAPTIVE, workerId);
    this.#words = new Int32Array(shared, 0, SERVICE_HEAD.words);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(SERVICE_BYTES);
  }

  /** Another number whenever a target came to be, or ceased to be, one that may be asked. */
  get version(): number {
    return Atomics.load(this.#words, SERVICE_HEAD.version);
  }

  bumpVersion(): void {
    Atomics.add(this.#words, SERVICE_HEAD.version, 1);
  }

  /** Targets that outlier detection has out. */
  get ejected(): number {
    return Atomics.load(this.#words, SERVICE_HEAD.ejected);
  }

  /** Counts one more ejected target unless there are `limit`; false, and not counted, then. */
  tryCountEjection(limit: number): boolean {
    let count = this.ejected;
    for (;;) {
      if (count >= limit) return false;
      const found = Atomics.compareExchange(this.#words, SERVICE_HEAD.ejected, count, count + 1);
      if (found === count) return true;
      count = found;
    }
  }

  uncountEjection(): void {
    Atomics.sub(this.#words, SERVICE_HEAD.ejected, 1);
  }

  /** A worker died: what it had under way is gone with it. The main thread calls this before the successor starts. */
  forgetWorker(workerId: number): void {
    this.inFlight.forgetWorker(workerId);
    this.pending.forgetWorker(workerId);
    this.connections.forgetWorker(workerId);
    this.retries.forgetWorker(workerId);
    this.breaker.forgetWorker(workerId);
    this.retryWindow.lock.forgetWorker(workerId);
    this.adaptive.lock.forgetWorker(workerId);
  }
}

/** The offset after a part, rounded up to where a float may stand. */
function after(offset: number, bytes: number): number {
  return Math.ceil((offset + bytes) / 8) * 8;
}
