import type { Balancer, Endpoint, Random, Share } from './balancer.ts';
import { WeightedDraw } from './weighted-draw.ts';

/** What one request costs at an endpoint that has so many under way, compared with what one costs elsewhere; 0 or more. */
type CostOf<E> = (endpoint: E, inFlight: number) => number;

/**
 * Power of two choices: of two different endpoints drawn by chance, the one with less to do. It knows no more than two, and so workers
 * that have the same view of the load do not all run to the same idle endpoint.
 *
 * Weights count twice. Endpoints are drawn by weight, so that while nothing is to be compared each gets its share. Then the second is
 * taken when it has less to do for its weight: the first has its requests under way, the second those and this one. This one counts at
 * the first too, but for no more than it would at the second: else a light endpoint, at which a single request is much for its weight,
 * would never be asked while heavier ones are idle.
 */
export class TwoChoices<E extends Endpoint> implements Balancer<E> {
  readonly #shares: WeightedDraw<E>;
  readonly #costOf: CostOf<E>;

  constructor(shares: readonly Share<E>[], random: Random, costOf: CostOf<E>) {
    this.#shares = new WeightedDraw(shares, random);
    this.#costOf = costOf;
  }

  pick(_hash: number | undefined, tried: readonly E[]): E | undefined {
    const shares = this.#shares;
    if (tried.length > 0) {
      const first = shares.drawUntried(tried, -1);
      if (first >= 0) {
        const second = shares.drawUntried(tried, first);
        return shares.endpoints[second < 0 ? first : this.#better(first, second)];
      }
    }
    const first = shares.draw();
    return shares.endpoints[this.#better(first, shares.drawOther(first))];
  }

  #better(first: number, second: number): number {
    const { endpoints, weights } = this.#shares;
    const a = endpoints[first] as E;
    const b = endpoints[second] as E;
    const weightA = weights[first] as number;
    const weightB = weights[second] as number;
    const inFlightA = a.inFlight();
    const inFlightB = b.inFlight();
    // inFlightA / weightA + 1 / max(weightA, weightB) against (inFlightB + 1) / weightB, without the divisions.
    const loadA = inFlightA * weightB + Math.min(weightA, weightB);
    const loadB = (inFlightB + 1) * weightA;
    return loadA * this.#costOf(a, inFlightA) > loadB * this.#costOf(b, inFlightB) ? second : first;
  }
}
