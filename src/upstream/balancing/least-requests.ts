import type { Balancer, Endpoint, Random, Share } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

/** Of two endpoints, the one with fewer requests under way for its weight. */
export function leastRequests<E extends Endpoint>(shares: readonly Share<E>[], random: Random): Balancer<E> {
  return new TwoChoices(shares, random, () => 1);
}
