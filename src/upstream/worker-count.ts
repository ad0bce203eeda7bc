/** Workers that can be told apart: as many as `runtime.workers` allows. */
export const MAX_WORKERS = 64;

const TOTAL = 0;

/**
 * How many there are of something in all workers, in shared memory: the total, which is exact and read by one load, and after it
 * each worker's part, so that what a worker that died had counted can be taken out.
 *
 * A worker is stopped at calls and loops, not between two neighbouring writes: total and parts do not come apart by its death.
 */
export class WorkerCount {
  static readonly BYTES: number = (1 + MAX_WORKERS) * Int32Array.BYTES_PER_ELEMENT;
  readonly #words: Int32Array;
  readonly #own: number;

  /** Over BYTES octets from `offset` on, as seen by the worker `workerId`: 0 to MAX_WORKERS - 1. */
  constructor(shared: SharedArrayBuffer, offset: number, workerId: number) {
    this.#words = new Int32Array(shared, offset, 1 + MAX_WORKERS);
    this.#own = 1 + workerId;
  }

  total(): number {
    return Atomics.load(this.#words, TOTAL);
  }

  enter(): void {
    Atomics.add(this.#words, TOTAL, 1);
    Atomics.add(this.#words, this.#own, 1);
  }

  /** Counts one more unless there are `limit` already, in all workers; false, and not counted, then. */
  tryEnter(limit: number): boolean {
    const words = this.#words;
    let total = Atomics.load(words, TOTAL);
    for (;;) {
      if (total >= limit) return false;
      const found = Atomics.compareExchange(words, TOTAL, total, total + 1);
      if (found === total) break;
      total = found;
    }
    Atomics.add(words, this.#own, 1);
    return true;
  }

  /** Of what this worker entered. */
  leave(): void {
    Atomics.sub(this.#words, TOTAL, 1);
    Atomics.sub(this.#words, this.#own, 1);
  }

  /** Takes out what a worker that is dead had counted. Called before its successor starts. */
  forgetWorker(workerId: number): void {
    const part = Atomics.exchange(this.#words, 1 + workerId, 0);
    Atomics.sub(this.#words, TOTAL, part);
  }
}
