import { copyOf } from '../lib/octets.ts';

const HELD_BYTES = 16 * 1024;

/**
 * Octets that came from a client and are not dealt with: `data[from, to)`. They are borrowed while the read that brought them is
 * going on, and must be kept, which copies them, before it returns.
 */
export class Input {
  data: Buffer | undefined = undefined;
  from = 0;
  to = 0;

  get empty(): boolean {
    return this.data === undefined;
  }

  /** There is as much as is held for later: what else a pipelining client sends waits in its own system. */
  get full(): boolean {
    return this.data !== undefined && this.to - this.from > HELD_BYTES;
  }

  /** Adds `data[from, to)`, which lasts for the read only. */
  borrow(data: Buffer, from: number, to: number): void {
    if (this.data !== undefined) {
      // Still something there: a read that came before the socket was paused.
      this.#own(Buffer.concat([this.data.subarray(this.from, this.to), data.subarray(from, to)]));
      return;
    }
    this.data = data;
    this.from = from;
    this.to = to;
  }

  /** The read of `data` is over: what is left of it is copied. */
  keep(data: Buffer): void {
    if (this.data === data) this.#own(copyOf(data, this.from, this.to));
  }

  clear(): void {
    this.data = undefined;
  }

  #own(data: Buffer): void {
    this.data = data;
    this.from = 0;
    this.to = data.length;
  }
}
