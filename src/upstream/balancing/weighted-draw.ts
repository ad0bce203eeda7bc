import type { Random, Share } from './balancer.ts';

/** Draws endpoints by chance, each as often as its weight says. An endpoint is told by its index. */
export class WeightedDraw<E> {
  readonly endpoints: readonly E[];
  readonly weights: Float64Array;
  /** Sums of the weights up to and with each endpoint. */
  readonly #sums: Float64Array;
  readonly #random: Random;

  /** At least one share. */
  constructor(shares: readonly Share<E>[], random: Random) {
    this.endpoints = shares.map(({ endpoint }) => endpoint);
    this.weights = Float64Array.from(shares, ({ weight }) => weight);
    this.#sums = new Float64Array(shares.length);
    this.#random = random;
    let sum = 0;
    for (let i = 0; i < shares.length; i++) {
      sum += this.weights[i] as number;
      this.#sums[i] = sum;
    }
  }

  /** Any one. */
  draw(): number {
    return this.#at(this.#random() * this.#total());
  }

  /** Any one but `first`, as if that were not there; `first` itself only when it is alone or, at the very end of the range, by rounding. */
  drawOther(first: number): number {
    const start = first === 0 ? 0 : (this.#sums[first - 1] as number);
    const width = (this.#sums[first] as number) - start;
    const point = this.#random() * (this.#total() - width);
    return this.#at(point < start ? point : point + width);
  }

  /** Any one but `first` that is not among those tried; -1 when there is none. Looks at each: for retries. */
  drawUntried(tried: readonly E[], first: number): number {
    const { endpoints, weights } = this;
    let total = 0;
    for (let i = 0; i < endpoints.length; i++) {
      if (i !== first && !tried.includes(endpoints[i] as E)) total += weights[i] as number;
    }
    let point = this.#random() * total;
    let last = -1;
    for (let i = 0; i < endpoints.length; i++) {
      if (i === first || tried.includes(endpoints[i] as E)) continue;
      last = i;
      point -= weights[i] as number;
      if (point < 0) break;
    }
    return last;
  }

  #total(): number {
    return this.#sums[this.#sums.length - 1] as number;
  }

  /** The first whose sum is beyond the point; the last when rounding led past the end. */
  #at(point: number): number {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sums[middle] as number) > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
