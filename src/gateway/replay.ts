import type { Fields } from '../http/fields.ts';
import type { Attempt } from './attempt.ts';

/** What is taken at first for a body of unknown length, in octets. */
const FIRST_BYTES = 4 * 1024;

/** What was sent of a request's body, kept while it is short enough to be sent again. */
export class Replay {
  /** It became too long: nothing is kept any more. */
  lost = false;
  /** The body is at its end. */
  whole = false;
  readonly #limit: number;
  readonly #tooLong: boolean;
  readonly #lasts: boolean;
  #octets: Buffer | undefined;
  #length = 0;
  #trailers: Fields | undefined;

  /**
   * Keeps up to `limit` octets of a body whose length is `stated`, -1 when it is not; nothing of one that is stated to be longer. A body that
   * `lasts` comes in one piece that nobody overwrites: it needs neither a copy nor a limit.
   */
  constructor(limit: number, stated: number, lasts = false) {
    this.#limit = lasts ? Number.POSITIVE_INFINITY : limit;
    this.#tooLong = stated > this.#limit;
    this.#lasts = lasts;
  }

  /**
   * Takes `data[from, to)`, which may be overwritten afterwards. While nobody is `sending`, what was kept is needed in any case; whoever
   * reads the body then has to stop soon.
   */
  keep(data: Buffer, from: number, to: number, sending: boolean): void {
    if (this.lost) return;
    const length = this.#length + to - from;
    if (sending && (this.#tooLong || length > this.#limit)) {
      this.lost = true;
      this.#octets = undefined;
      return;
    }
    if (this.#lasts) this.#octets = data.subarray(from, to);
    else data.copy(this.#roomFor(length), this.#length, from, to);
    this.#length = length;
  }

  /** One buffer that doubles: a chunk each would let a client that sends single octets take many times its body's size. */
  #roomFor(length: number): Buffer {
    const before = this.#octets;
    if (before !== undefined && before.length >= length) return before;
    const size = Math.max(length, Math.min(this.#limit, 2 * (before?.length ?? FIRST_BYTES / 2)));
    const octets = Buffer.allocUnsafeSlow(size);
    before?.copy(octets, 0, 0, this.#length);
    this.#octets = octets;
    return octets;
  }

  end(trailers: Fields | undefined): void {
    this.whole = true;
    this.#trailers = trailers;
  }

  /** Sends what there is, and the body's end if it has come. */
  sendTo(attempt: Attempt): void {
    if (this.#octets !== undefined) attempt.connection?.write(this.#octets, 0, this.#length);
    if (this.#length > this.#limit) {
      this.lost = true;
      this.#octets = undefined;
    }
    if (this.whole) attempt.endRequest(this.#trailers);
  }
}
