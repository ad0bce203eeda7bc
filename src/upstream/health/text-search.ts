/** Looks for octets in a body that comes in pieces, in its first `limitBytes`, and keeps no more of it than it has to. */
export class TextSearch {
  readonly #wanted: Buffer;
  #left: number;
  /** The end of what came, shorter than what is looked for: that may begin in it. */
  #tail: Buffer = Buffer.alloc(0);

  constructor(wanted: Buffer, limitBytes: number) {
    this.#wanted = wanted;
    this.#left = limitBytes;
  }

  /** What comes now is not looked at any more. */
  get exhausted(): boolean {
    return this.#left === 0;
  }

  /** Takes the next piece; whether the octets are there. */
  add(piece: Buffer): boolean {
    const seen = Buffer.concat([this.#tail, piece.subarray(0, this.#left)]);
    this.#left = Math.max(0, this.#left - piece.length);
    this.#tail = seen.subarray(Math.max(0, seen.length - this.#wanted.length + 1));
    return seen.includes(this.#wanted);
  }
}
