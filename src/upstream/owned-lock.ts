/**
 * A lock in shared memory that nobody waits for: who does not get it leaves the work to its holder. It knows its holder, so
 * that it can be taken from a worker that died.
 */
export class OwnedLock {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #owner: number;

  constructor(words: Int32Array, at: number, workerId: number) {
    this.#words = words;
    this.#at = at;
    this.#owner = workerId + 1;
  }

  tryAcquire(): boolean {
    return Atomics.compareExchange(this.#words, this.#at, 0, this.#owner) === 0;
  }

  release(): void {
    Atomics.store(this.#words, this.#at, 0);
  }

  forgetWorker(workerId: number): void {
    Atomics.compareExchange(this.#words, this.#at, workerId + 1, 0);
  }
}
