/**
 * Cuts long work into turns, so that nothing else on the thread waits longer than one of them:
 *
 *     for (const item of items) {
 *       work(item);
 *       if (turns.isOver()) await turns.next();
 *     }
 */
export class Turns {
  readonly #turnMs: number;
  #endsAt: number;

  /** A short turn costs throughput: between two of them everything runs that waits by then. */
  constructor(turnMs: number) {
    this.#turnMs = turnMs;
    this.#endsAt = performance.now() + turnMs;
  }

  isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** Resolves when the others have had their turn. */
  async next(): Promise<void> {
    await new Promise(setImmediate);
    this.#endsAt = performance.now() + this.#turnMs;
  }
}
