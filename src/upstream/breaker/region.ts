import { OwnedLock } from '../owned-lock.ts';
import { WindowRegion } from '../sliding-window.ts';
import { Probes } from './probes.ts';
import { WORD, WORDS } from './words.ts';

/** What is counted in the window. */
export const REQUESTS = 0;
export const FAILURES = 1;
export const SLOW = 2;
const WINDOW_KINDS = 3;

const OWN_BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT;

/** The memory of one breaker, which all workers share, as one of them sees it. All zero is closed. */
export class BreakerRegion {
  static readonly BYTES: number = OWN_BYTES + WindowRegion.bytes(WINDOW_KINDS);
  readonly words: Int32Array;
  /** Guards the floats and the changes of state. */
  readonly lock: OwnedLock;
  readonly probes: Probes;
  readonly window: WindowRegion;
  readonly #floats: Float64Array;

  constructor(shared: SharedArrayBuffer, offset: number, workerId: number) {
    this.words = new Int32Array(shared, offset, WORDS);
    this.#floats = new Float64Array(shared, offset, 2);
    this.lock = new OwnedLock(this.words, WORD.lock, workerId);
    this.probes = new Probes(this.words, workerId);
    this.window = new WindowRegion(shared, offset + OWN_BYTES, WINDOW_KINDS, workerId);
  }

  /** When the state began. Set by the holder of the lock alone, before the state. */
  get sinceMs(): number {
    return this.#floats[0] as number;
  }

  set sinceMs(ms: number) {
    this.#floats[0] = ms;
  }

  /** When the state may end: of open and ramping. Set by the holder of the lock alone, before the state. */
  get untilMs(): number {
    return this.#floats[1] as number;
  }

  set untilMs(ms: number) {
    this.#floats[1] = ms;
  }

  /** A worker died: its permits are given back, and a change of state that it was in the middle of may be made by another. */
  forgetWorker(workerId: number): void {
    this.probes.forgetWorker(workerId);
    this.lock.forgetWorker(workerId);
    this.window.lock.forgetWorker(workerId);
  }
}
