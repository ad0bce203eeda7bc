import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  assertDistribution,
  countsOf,
  FakeEndpoint,
  picks,
  seededRandom,
  sharesOf,
} from './balancing.support.ts';
import { PeakEwma, peakEwma } from './peak-ewma.ts';

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.01, `${actual} is not ${expected}`);

suite('the latency of a target', () => {
  test('is 0 while nothing is known', () => assert.equal(new PeakEwma().latencyMs(1e6), 0));

  test('goes up to a peak at once and comes down by a time constant of 10 s', () => {
    const latency = new PeakEwma();
    latency.observe(20, 1000);
    near(latency.latencyMs(1000), 20);
    latency.observe(500, 1001);
    near(latency.latencyMs(1001), 500);
    latency.observe(20, 11_001);
    near(latency.latencyMs(11_001), 500 / Math.E);
    latency.observe(20, 201_001);
    near(latency.latencyMs(201_001), 20);
  });

  test('fades while nothing is observed', () => {
    const latency = new PeakEwma();
    latency.observe(300, 0);
    near(latency.latencyMs(10_000), 300 / Math.E);
    near(latency.latencyMs(1e6), 0);
  });

  test('is never above the highest that was observed, nor below the last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.nat(60_000)), { minLength: 1 }),
        (observations) => {
          const latency = new PeakEwma();
          let highest = 0;
          let now = 0;
          for (const [observed, passed] of observations) {
            now += passed;
            highest = Math.max(highest, observed);
            latency.observe(observed, now);
            assert.ok(latency.latencyMs(now) >= observed && latency.latencyMs(now) <= highest * (1 + 1e-12));
          }
        },
      ),
    );
  });
});

type Target = readonly [weight: number, latency: number, requests: number];

/** How often each of these (weight, latency, requests under way) is asked in 20 000. */
function partsOf(...targets: readonly Target[]): number[] {
  const shares = sharesOf(...targets.map(([weight]) => weight));
  for (const [i, { endpoint }] of shares.entries()) {
    const [, latency, requests] = targets[i] as Target;
    endpoint.latency = latency;
    endpoint.requests = requests;
  }
  const balancer = peakEwma(shares, seededRandom(11), () => 0);
  return countsOf(
    picks(balancer, 20_000),
    shares.map(({ endpoint }) => endpoint.name),
  );
}

suite('peak EWMA', () => {
  const table: [title: string, targets: readonly Target[], asked: number][] = [
    ['the slow one of two idle targets is not asked', [[1, 200, 0], [1, 20, 0]], 1],
    ['ten requests at 20 ms are more than one at 200 ms', [[1, 20, 10], [1, 200, 0]], 1],
    ['eight requests at 20 ms are less than one at 200 ms', [[1, 20, 8], [1, 200, 0]], 0],
    ['a target that nobody knows is asked once', [[1, 20, 0], [1, 0, 0]], 1],
    ['and then not until it has answered', [[1, 20, 100], [1, 0, 1]], 0],
    ['a slow light target is left for a fast heavy one', [[1, 30, 0], [10, 20, 0]], 1],
    ['a heavy one that is slower than its weight is left for a light one', [[10, 300, 0], [1, 20, 0]], 1],
  ]; // biome-ignore format: a table
  for (const [title, targets, asked] of table) {
    test(title, () =>
      assert.deepEqual(
        partsOf(...targets),
        [0, 1].map((i) => (i === asked ? 20_000 : 0)),
      ),
    );
  }

  test('targets that are equally fast have their shares', () => {
    assertDistribution(partsOf([5, 20, 0], [3, 20, 0], [2, 20, 0]), [5, 3, 2]);
  });

  test('targets of which nothing is known have their shares', () => {
    assertDistribution(partsOf([5, 0, 0], [3, 0, 0], [2, 0, 0]), [5, 3, 2]);
  });

  test('a heavy target that is a little slower keeps its share', () => {
    assertDistribution(partsOf([10, 25, 0], [1, 20, 0]), [10, 1]);
  });

  test('leaves a target that becomes slow after one answer, and comes back as the memory fades', () => {
    class Timed extends FakeEndpoint {
      readonly ewma = new PeakEwma();
      override latencyMs(nowMs: number): number {
        return this.ewma.latencyMs(nowMs);
      }
    }
    const endpoints = ['a', 'b', 'c'].map((name) => new Timed(name));
    let now = 0;
    const balancer = peakEwma(
      endpoints.map((endpoint) => ({ endpoint, weight: 1 })),
      seededRandom(12),
      () => now,
    );
    /** One request after the other for so long; how many each got. */
    const run = (forMs: number, latencyOf: (endpoint: Timed) => number) => {
      const counts = new Map(endpoints.map(({ name }) => [name, 0]));
      for (const end = now + forMs; now < end; ) {
        const picked = balancer.pick(undefined, []);
        assert.ok(picked);
        now += latencyOf(picked);
        picked.ewma.observe(latencyOf(picked), now);
        counts.set(picked.name, (counts.get(picked.name) as number) + 1);
      }
      return counts;
    };

    const even = run(10_000, () => 10);
    for (const count of even.values()) assert.ok(count > 200, [...even].join());
    const slow = run(30_000, ({ name }) => (name === 'b' ? 2000 : 10));
    assert.ok((slow.get('b') as number) <= 2, [...slow].join());
    run(60_000, () => 10);
    const recovered = run(10_000, () => 10);
    for (const count of recovered.values()) assert.ok(count > 200, [...recovered].join());
  });
});
