const LF = 0x0a;
const CR = 0x0d;

/** The octets of a head that is not complete, while more of it comes. */
export class PartialHead {
  octets: Buffer;
  #before = 0;

  /** `octets` are its own. */
  constructor(octets: Buffer) {
    this.octets = octets;
  }

  /** Only the line end that may stand before a request: nothing has begun. */
  get empty(): boolean {
    const { octets } = this;
    return octets.length <= 2 && octets[0] === CR && (octets.length === 1 || octets[1] === LF);
  }

  /** Adds `data[from, to)`. */
  add(data: Buffer, from: number, to: number): void {
    this.#before = this.octets.length;
    this.octets = Buffer.concat([this.octets, data.subarray(from, to)]);
  }

  /**
   * Whether to parse again tells anything new: a line was completed, or is too long. It keeps the cost of a head that comes octet by octet
   * from growing with its square.
   */
  tells(firstLineLimit: number, headLimit: number): boolean {
    const { octets } = this;
    // An empty line may stand before the first one.
    const firstEnd = octets.indexOf(LF, 2);
    const limit = firstEnd < 0 || firstEnd >= this.#before ? firstLineLimit : headLimit;
    return octets.length > limit || octets.indexOf(LF, this.#before) >= 0;
  }
}
