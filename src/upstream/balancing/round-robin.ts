import type { Balancer, Random, Share } from './balancer.ts';
import { WeightedDraw } from './weighted-draw.ts';

/**
 * Endpoints take turns by weight, and a heavy one is not asked many times in a row. Each has its turns at even distances on one line of
 * time, and whose turn is next is asked: earliest deadline first, as Envoy does it. That costs the logarithm of the number of endpoints,
 * where smooth weighted round robin looks at each, and takes any weights.
 */
export class RoundRobin<E> implements Balancer<E> {
  readonly #shares: WeightedDraw<E>;
  /** Turns that each has had: exact up to 2 ** 53, and the order of turns up to about 10 ** 15 of them. */
  readonly #turns: Float64Array;
  /** When the next turn of each is. */
  readonly #due: Float64Array;
  /** A heap of endpoints, that with the earliest turn first. */
  readonly #heap: Uint32Array;

  constructor(shares: readonly Share<E>[], random: Random) {
    const count = shares.length;
    this.#shares = new WeightedDraw(shares, random);
    this.#turns = new Float64Array(count);
    this.#due = new Float64Array(count);
    this.#heap = Uint32Array.from(shares.keys());
    for (let i = 0; i < count; i++) this.#due[i] = this.#dueAt(i);
    for (let at = (count >> 1) - 1; at >= 0; at--) this.#sink(at);
    // Not every worker begins with the same endpoint, nor one worker whenever its list changes.
    for (let skip = Math.floor(random() * count); skip > 0; skip--) this.#next();
  }

  pick(_hash: number | undefined, tried: readonly E[]): E | undefined {
    // A retry is out of turn: it is not to be waited for until the turn of another comes.
    const untried = tried.length === 0 ? -1 : this.#shares.drawUntried(tried, -1);
    return this.#shares.endpoints[untried < 0 ? this.#next() : untried];
  }

  #next(): number {
    const next = this.#heap[0] as number;
    this.#turns[next] = (this.#turns[next] as number) + 1;
    this.#due[next] = this.#dueAt(next);
    this.#sink(0);
    return next;
  }

  /**
   * From the number of turns rather than from the turn before, so that nothing is lost by rounding: with whole weights each endpoint has
   * exactly its share of every round. The first turns are spread, so that light endpoints do not come all at once.
   */
  #dueAt(i: number): number {
    const offset = (i + 0.5) / this.#due.length;
    return ((this.#turns[i] as number) + offset) / (this.#shares.weights[i] as number);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from] as number;
    let at = from;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && this.#before(heap[child + 1] as number, heap[child] as number)) child++;
      if (!this.#before(heap[child] as number, moved)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = moved;
  }

  #before(a: number, b: number): boolean {
    const dueA = this.#due[a] as number;
    const dueB = this.#due[b] as number;
    return dueA < dueB || (dueA === dueB && a < b);
  }
}
