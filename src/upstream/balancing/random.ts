import type { Balancer, Random, Share } from './balancer.ts';
import { WeightedDraw } from './weighted-draw.ts';

/** Any endpoint, by weight. Workers and gateways that know nothing of each other spread evenly together. */
export class RandomBalancer<E> implements Balancer<E> {
  readonly #shares: WeightedDraw<E>;

  constructor(shares: readonly Share<E>[], random: Random) {
    this.#shares = new WeightedDraw(shares, random);
  }

  pick(_hash: number | undefined, tried: readonly E[]): E | undefined {
    const shares = this.#shares;
    const untried = tried.length === 0 ? -1 : shares.drawUntried(tried, -1);
    return shares.endpoints[untried < 0 ? shares.draw() : untried];
  }
}
