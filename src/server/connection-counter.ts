/** Rows of the sketch, each with its own hash: a key is over-counted only where it collides in all of them. */
const ROWS = 4;
const COLUMNS = 1 << 13;
const CELLS = ROWS * COLUMNS;

/** What a listener allows; 0 is no limit. */
export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/**
 * Open connections of all workers, by listener and by client address, in shared memory.
 *
 * A count-min sketch: its size does not depend on how many clients there are, a count is never too low, and it is too high
 * only when a key shares a cell with others in each of the rows. Each worker counts in a part of its own, so that what a worker that
 * died had counted can be taken out.
 */
export class ConnectionCounter {
  readonly #counts: Int32Array;
  readonly #workers: number;
  readonly #own: number;

  /** `shared` comes from `allocate`; `workerId` is below the number of workers that it was made for. */
  constructor(shared: SharedArrayBuffer, workerId: number) {
    this.#counts = new Int32Array(shared);
    this.#workers = this.#counts.length / CELLS;
    this.#own = (workerId % this.#workers) * CELLS;
  }

  static allocate(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(workers * CELLS * Int32Array.BYTES_PER_ELEMENT);
  }

  /** Forgets what this worker counted: its connections are gone with it. */
  reset(): void {
    for (let i = 0; i < CELLS; i++) Atomics.store(this.#counts, this.#own + i, 0);
  }

  /** Counts a new connection. False, and not counted, when a limit is reached. */
  enter(listener: string, address: string, limits: ConnectionLimits): boolean {
    const full =
      this.#full(`listener ${listener}`, limits.connections) ||
      this.#full(address, limits.connectionsPerAddress);
    if (full) return false;
    this.#add(`listener ${listener}`, 1);
    this.#add(address, 1);
    return true;
  }

  leave(listener: string, address: string): void {
    this.#add(`listener ${listener}`, -1);
    this.#add(address, -1);
  }

  /** Looked at before it is counted: two workers may admit one connection too many between them, never refuse one too many. */
  #full(key: string, limit: number): boolean {
    if (limit === 0) return false;
    let least = Number.MAX_SAFE_INTEGER;
    for (let row = 0; row < ROWS; row++) {
      let count = 0;
      for (let worker = 0; worker < this.#workers; worker++)
        count += Atomics.load(this.#counts, worker * CELLS + cell(key, row));
      least = Math.min(least, count);
    }
    return least >= limit;
  }

  #add(key: string, by: number): void {
    for (let row = 0; row < ROWS; row++) Atomics.add(this.#counts, this.#own + cell(key, row), by);
  }
}

/** FNV-1a, seeded by row. */
function cell(key: string, row: number): number {
  let value = 0x811c9dc5 ^ Math.imul(row + 1, 0x9e3779b1);
  for (let i = 0; i < key.length; i++) value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  return row * COLUMNS + ((value ^ (value >>> 15)) & (COLUMNS - 1));
}
