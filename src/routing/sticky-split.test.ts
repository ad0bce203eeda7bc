import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../test/support/seeded-random.ts';
import type { SplitEntry } from './split.ts';
import { compileStickySplit } from './sticky-split.ts';

const split = (weights: Readonly<Record<string, number>>): SplitEntry[] =>
  Object.entries(weights).map(([service, weight]) => ({ service, weight }));

/** How many of these keys each service gets. */
function counted(entries: readonly SplitEntry[], keys: readonly string[]): Record<string, number> {
  const pick = compileStickySplit(entries);
  const counts: Record<string, number> = {};
  for (const key of keys) counts[pick(key)] = (counts[pick(key)] ?? 0) + 1;
  return counts;
}

const keysOf = (count: number, seed: number): string[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random().toString(36).slice(2));
};

describe('A sticky split', () => {
  it('gives each service its share of the clients, within what chance explains', () => {
    const weights = { blue: 90, off: 0, green: 9, red: 1 };
    const counts = counted(split(weights), keysOf(100_000, 7));
    assert.deepEqual(Object.keys(counts).sort(), ['blue', 'green', 'red']);
    for (const [service, weight] of Object.entries(weights)) {
      const expected = weight * 1000;
      // Four standard deviations of a binomial distribution.
      const tolerance = 4 * Math.sqrt(100_000 * (weight / 100) * (1 - weight / 100));
      assert.ok(Math.abs((counts[service] ?? 0) - expected) <= tolerance, `${service}: ${counts[service]}`);
    }
  });

  it('shares out keys that differ little as well as random ones', () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);
    const { b = 0 } = counted(split({ a: 80, b: 20 }), keys);
    assert.ok(Math.abs(b - 20_000) <= 4 * Math.sqrt(100_000 * 0.2 * 0.8), String(b));
  });

  it('moves a tenth of the clients when the canary goes from a tenth to a fifth, all of them to it', () => {
    const keys = keysOf(100_000, 11);
    const before = compileStickySplit(split({ stable: 90, canary: 10 }));
    const after = compileStickySplit(split({ stable: 80, canary: 20 }));
    const moved = keys.filter((key) => before(key) !== after(key));
    assert.ok(moved.every((key) => after(key) === 'canary'));
    assert.ok(Math.abs(moved.length - 10_000) <= 4 * Math.sqrt(100_000 * 0.1 * 0.9), String(moved.length));
  });

  it('adds up the weights of a service that stands twice', () => {
    const keys = keysOf(1000, 3);
    const once = compileStickySplit(split({ a: 3, b: 1 }));
    const twice = compileStickySplit([...split({ a: 1, b: 1 }), { service: 'a', weight: 2 }]);
    for (const key of keys) assert.equal(twice(key), once(key));
  });

  it('cannot be made without a weight', () => {
    assert.throws(() => compileStickySplit([{ service: 'a', weight: 0 }]), {
      message: 'a split needs a weight above 0',
    });
  });
});

describe('Whatever the weights', () => {
  const names = ['a', 'b', 'c', 'd', 'e'] as const;
  const weights = fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: names.length, maxLength: names.length })
    .filter((list) => list.some((weight) => weight > 0))
    .map((list) => Object.fromEntries(names.map((name, i) => [name, list[i] as number])));
  const keys = fc.array(fc.string(), { minLength: 1, maxLength: 50 });

  it('a client stays with its service while they are the same, in whatever order they stand', () => {
    fc.assert(
      fc.property(weights, keys, (given, list) => {
        const pick = compileStickySplit(split(given));
        const other = compileStickySplit(split(given).reverse());
        for (const key of list) assert.equal(other(key), pick(key));
      }),
    );
  });

  it('a service without weight gets nobody', () => {
    fc.assert(
      fc.property(weights, keys, (given, list) => {
        const pick = compileStickySplit(split(given));
        for (const key of list) assert.ok((given[pick(key)] as number) > 0);
      }),
    );
  });

  it('a client moves only to a service that grew in proportion to the one it leaves', () => {
    fc.assert(
      fc.property(weights, weights, keys, (before, after, list) => {
        const then = compileStickySplit(split(before));
        const now = compileStickySplit(split(after));
        for (const key of list) {
          const [from, to] = [then(key), now(key)];
          if (from === to) continue;
          const grewBy = (after[to] as number) * (before[from] as number);
          assert.ok(grewBy > (after[from] as number) * (before[to] as number), `${key}: ${from} to ${to}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('nobody moves when all of them grow alike', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 2, max: 9 }), keys, (given, factor, list) => {
        const larger = Object.fromEntries(
          Object.entries(given).map(([name, weight]) => [name, weight * factor]),
        );
        const [then, now] = [compileStickySplit(split(given)), compileStickySplit(split(larger))];
        for (const key of list) assert.equal(now(key), then(key));
      }),
    );
  });
});
