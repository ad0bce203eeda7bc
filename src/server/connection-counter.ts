import { getRandomValues } from 'node:crypto';
import { CLIENT_BITS, Networks } from '../lib/cidr.ts';
import { KeyHash } from '../state/shared/key-hash.ts';

/** Rows of the sketch, each with its own hash: a key is over-counted only where it collides in all of them. */
const ROWS = 4;
const COLUMNS = 1 << 13;
const CELLS = ROWS * COLUMNS;
/** At the beginning of the memory; then come the cells of each worker. */
const KEY_WORDS = 4;

/** What a listener allows; 0 is no limit. */
export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/**
 * Open connections of all workers, by listener and by client address, in shared memory. All addresses of a network of IPv6 are one client.
 *
 * A count-min sketch: its size does not depend on how many clients there are, a count is never too low, and it is too high
 * only when a key shares a cell with others in each of the rows. Where a key has its cells is hashed under a key drawn at each start, so that
 * nobody can choose addresses that have another's refused. Each worker counts in a part of its own, so that what a worker that died had
 * counted can be taken out.
 */
export class ConnectionCounter {
  readonly #counts: Int32Array;
  readonly #workers: number;
  readonly #own: number;
  readonly #hash: KeyHash;
  readonly #networks = new Networks(CLIENT_BITS);
  /** A word for each row, of the key that is looked at. */
  readonly #words = new Int32Array(ROWS);

  /** `shared` comes from `allocate`; `workerId` is below the number of workers that it was made for. */
  constructor(shared: SharedArrayBuffer, workerId: number) {
    const words = new Int32Array(shared);
    this.#hash = new KeyHash(words.subarray(0, KEY_WORDS));
    this.#counts = words.subarray(KEY_WORDS);
    this.#workers = this.#counts.length / CELLS;
    this.#own = (workerId % this.#workers) * CELLS;
  }

  static allocate(workers: number): SharedArrayBuffer {
    const shared = new SharedArrayBuffer((KEY_WORDS + workers * CELLS) * Int32Array.BYTES_PER_ELEMENT);
    // getRandomValues refuses shared memory.
    new Int32Array(shared).set(getRandomValues(new Int32Array(KEY_WORDS)));
    return shared;
  }

  /** Forgets what this worker counted: its connections are gone with it. */
  reset(): void {
    for (let i = 0; i < CELLS; i++) Atomics.store(this.#counts, this.#own + i, 0);
  }

  /** Counts a new connection. False, and not counted, when a limit is reached. */
  enter(listener: string, address: string, limits: ConnectionLimits): boolean {
    const client = this.#networks.of(address);
    const full =
      this.#full(`listener ${listener}`, limits.connections) ||
      this.#full(client, limits.connectionsPerAddress);
    if (full) return false;
    this.#add(`listener ${listener}`, 1);
    this.#add(client, 1);
    return true;
  }

  leave(listener: string, address: string): void {
    this.#add(`listener ${listener}`, -1);
    this.#add(this.#networks.of(address), -1);
  }

  /** Looked at before it is counted: two workers may admit one connection too many between them, never refuse one too many. */
  #full(key: string, limit: number): boolean {
    if (limit === 0) return false;
    this.#hash.hash(key, this.#words);
    let least = Number.MAX_SAFE_INTEGER;
    for (let row = 0; row < ROWS; row++) {
      let count = 0;
      for (let worker = 0; worker < this.#workers; worker++)
        count += Atomics.load(this.#counts, worker * CELLS + this.#cell(row));
      least = Math.min(least, count);
    }
    return least >= limit;
  }

  #add(key: string, by: number): void {
    this.#hash.hash(key, this.#words);
    for (let row = 0; row < ROWS; row++) Atomics.add(this.#counts, this.#own + this.#cell(row), by);
  }

  /** Of the key that was hashed last. */
  #cell(row: number): number {
    return row * COLUMNS + ((this.#words[row] as number) & (COLUMNS - 1));
  }
}
