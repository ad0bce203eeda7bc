/** What is taken at first, in octets, for what may become larger. */
const FIRST_BYTES = 4 * 1024;

/**
 * Octets that come in pieces, kept together in one buffer that doubles: a chunk each would let a sender of single octets take many times
 * the memory, and memory for a size that is only announced would be taken for nothing.
 */
export class CollectedOctets {
  readonly #most: number;
  #octets: Buffer = NOTHING;
  #length = 0;

  /** No more than `most` will be added. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  get length(): number {
    return this.#length;
  }

  /** By how much the buffer grows when so many octets are added, which is what they cost. */
  growthFor(bytes: number): number {
    return this.#sizeFor(this.#length + bytes) - this.#octets.length;
  }

  /** Copies `data[from, to)`. */
  add(data: Buffer, from: number, to: number): void {
    const length = this.#length + (to - from);
    const size = this.#sizeFor(length);
    if (size > this.#octets.length) {
      const grown = Buffer.allocUnsafeSlow(size);
      this.#octets.copy(grown, 0, 0, this.#length);
      this.#octets = grown;
    }
    data.copy(this.#octets, this.#length, from, to);
    this.#length = length;
  }

  #sizeFor(length: number): number {
    const size = this.#octets.length;
    if (length <= size) return size;
    // A first piece is most often all that comes.
    if (this.#length === 0) return length;
    return Math.max(length, Math.min(this.#most, Math.max(2 * size, FIRST_BYTES)));
  }

  /** All of them, without a copy: not to be added to any more. */
  whole(): Buffer {
    return this.#octets.subarray(0, this.#length);
  }
}

const NOTHING = Buffer.alloc(0);
