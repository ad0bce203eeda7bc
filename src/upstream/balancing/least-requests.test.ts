import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  assertDistribution,
  countsOf,
  endpointsOf,
  type FakeEndpoint,
  picks,
  seededRandom,
  sharesOf,
} from './balancing.support.ts';
import { leastRequests } from './least-requests.ts';

/** One of these weights, with these requests under way, is asked so often in 30 000. */
function partsOf(weights: readonly number[], requests: readonly number[]): number[] {
  const shares = sharesOf(...weights);
  for (const [i, { endpoint }] of shares.entries()) endpoint.requests = requests[i] as number;
  const balancer = leastRequests(shares, seededRandom(8));
  return countsOf(
    picks(balancer, 30_000),
    shares.map(({ endpoint }) => endpoint.name),
  );
}

/** Keeps so many requests under way, one ending whenever another begins; `rateOf` is how fast a target works one off. */
function loaded(
  endpoints: readonly FakeEndpoint[],
  concurrency: number,
  rateOf: (endpoint: FakeEndpoint) => number,
): { readonly served: number[]; readonly inFlight: number[] } {
  const random = seededRandom(9);
  const balancer = leastRequests(
    endpoints.map((endpoint) => ({ endpoint, weight: endpoint.weight })),
    random,
  );
  const begin = () => {
    const picked = balancer.pick(undefined, []);
    assert.ok(picked);
    picked.requests += 1;
  };
  for (let i = 0; i < concurrency; i++) begin();
  const served = endpoints.map(() => 0);
  const inFlight = endpoints.map(() => 0);
  const rounds = 40_000;
  for (let round = 0; round < rounds; round++) {
    // Each request ends with the same chance per time at one target: the next to end is drawn by that.
    const rates = endpoints.map((endpoint) => endpoint.requests * rateOf(endpoint));
    let point = random() * rates.reduce((total, rate) => total + rate, 0);
    const ended = rates.findIndex((rate) => (point -= rate) < 0);
    (endpoints[ended] as FakeEndpoint).requests -= 1;
    served[ended] = (served[ended] as number) + 1;
    begin();
    for (const [i, { requests }] of endpoints.entries())
      inFlight[i] = (inFlight[i] as number) + requests / rounds;
  }
  return { served, inFlight };
}

suite('least requests', () => {
  test('of two targets always asks the one with fewer under way', () => {
    assert.deepEqual(partsOf([1, 1], [1, 0]), [0, 30_000]);
    assert.deepEqual(partsOf([1, 1], [7, 8]), [30_000, 0]);
  });

  test('never asks the busiest of several, and the idle one as often as it is drawn', () => {
    const counts = partsOf([1, 1, 1], [2, 1, 0]);
    assert.equal(counts[0], 0);
    assertDistribution(counts.slice(1), [1, 2]);
  });

  for (const weights of [
    [1, 1, 1],
    [3, 1],
    [1000, 10],
    [0.1, 1, 1],
  ]) {
    test(`gives each its share while nothing is under way: weights ${weights.join(', ')}`, () =>
      assertDistribution(
        partsOf(
          weights,
          weights.map(() => 0),
        ),
        weights,
      ));
  }

  const table: [title: string, weights: number[], requests: number[], asked: number][] = [
    ['the light one with one under way is left for the heavy one', [100, 1], [1, 1], 0],
    ['the heavy one is asked though it has more under way', [10, 1], [5, 1], 0],
    ['the light one is asked when the heavy one has more for its weight', [10, 1], [25, 1], 1],
    ['two requests at weight 2 are less than two at weight 1', [2, 1], [2, 2], 0],
  ];
  for (const [title, weights, requests, asked] of table) {
    test(title, () =>
      assert.deepEqual(
        partsOf(weights, requests),
        [0, 1].map((i) => (i === asked ? 30_000 : 0)),
      ),
    );
  }

  test('where each has what its weight says, each gets its share', () =>
    assertDistribution(partsOf([2, 1], [4, 2]), [2, 1]));

  test('a light idle target is not overrun while the heavy one has a few', () => {
    const [, light = 0] = partsOf([100, 1], [3, 0]);
    assertDistribution([30_000 - light, light], [100, 1]);
  });

  test('under load, targets have requests under way by weight', () => {
    const { inFlight } = loaded(endpointsOf(4, 2, 1), 140, () => 1);
    for (const [i, expected] of [80, 40, 20].entries())
      assert.ok(Math.abs((inFlight[i] as number) - expected) < expected * 0.1, inFlight.join(', '));
  });

  test('a target that takes ten times as long gets about a tenth', () => {
    const { served } = loaded(endpointsOf(1, 1, 1), 60, ({ name }) => (name === 'c' ? 0.1 : 1));
    const [a = 0, b = 0, c = 0] = served;
    assert.ok(c < 0.13 * a && c > 0.07 * a && Math.abs(a - b) < 0.1 * a, served.join(', '));
  });

  test('a retry compares those that are left', () => {
    const shares = sharesOf(1, 1, 1);
    const [a, b, c] = shares.map(({ endpoint }) => endpoint) as [FakeEndpoint, FakeEndpoint, FakeEndpoint];
    b.requests = 4;
    c.requests = 3;
    const balancer = leastRequests(shares, seededRandom(10));
    for (let i = 0; i < 100; i++) {
      assert.equal(balancer.pick(undefined, [a]), c);
      assert.equal(balancer.pick(undefined, [a, c]), b);
    }
  });
});
