/** Of one worker, for all of its requests: a limit on each body alone would be multiplied by every client that sends one slowly. */
const MAX_HELD_BYTES = 512 * 1024 * 1024;

/** How much memory bodies may take that are kept for the policies to look at. */
export class BodyMemory {
  #left: number;

  constructor(bytes = MAX_HELD_BYTES) {
    this.#left = bytes;
  }

  /** False when there is not so much left: nothing is taken then. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
