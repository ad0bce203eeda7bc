import { suite, test } from 'node:test';
import { assertDistribution, countsOf, picks, seededRandom, sharesOf } from './balancing.support.ts';
import { RandomBalancer } from './random.ts';

suite('a target by chance', () => {
  for (const weights of [
    [1, 1, 1],
    [1000, 1],
    [5, 3, 2],
    [0.1, 1, 0.6],
  ]) {
    test(`has its share: weights ${weights.join(', ')}`, () => {
      const shares = sharesOf(...weights);
      const names = shares.map(({ endpoint }) => endpoint.name);
      assertDistribution(
        countsOf(picks(new RandomBalancer(shares, seededRandom(7)), 30_000), names),
        weights,
      );
    });
  }
});
