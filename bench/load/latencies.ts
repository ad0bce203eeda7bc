/** Counts per microsecond up to 2^20, then per 64; the last one takes all that is longer. */
const FINE = 1 << 20;

/** How long answers took. */
export class Latencies {
  readonly #counts = new Uint32Array(FINE + (1 << 20));
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(us: number): void {
    const slot = us < FINE ? us : Math.min(FINE + ((us - FINE) >> 6), this.#counts.length - 1);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#count += 1;
  }

  /** Of so great a share none took longer; 0 without any. */
  percentileUs(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (let slot = 0; slot < this.#counts.length; slot += 1) {
      left -= this.#counts[slot] ?? 0;
      if (left <= 0) return slot < FINE ? slot : FINE + ((slot - FINE) << 6);
    }
    return 0;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }
}
