/** What is taken at first, in octets, for what may become larger. */
const FIRST_BYTES = 4 * 1024;

/**
 * Octets that come in pieces, kept together in one buffer that doubles: a chunk each would let a sender of single octets take many times
 * the memory, and memory for a size that is only announced would be taken for nothing.
 */
export class CollectedOctets {
  #octets: Buffer = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies `data[from, to)`. */
  add(data: Buffer, from: number, to: number): void {
    const length = this.#length + (to - from);
    if (length > this.#octets.length) this.#grow(length);
    data.copy(this.#octets, this.#length, from, to);
    this.#length = length;
  }

  #grow(length: number): void {
    // A first piece is most often all that comes.
    const size = this.#length === 0 ? length : Math.max(length, 2 * this.#octets.length, FIRST_BYTES);
    const grown = Buffer.allocUnsafeSlow(size);
    this.#octets.copy(grown, 0, 0, this.#length);
    this.#octets = grown;
  }

  /** All of them, without a copy: not to be added to any more. */
  whole(): Buffer {
    return this.#octets.subarray(0, this.#length);
  }
}

const NOTHING = Buffer.alloc(0);
