import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { compileSplit } from './split.ts';

it('each service is picked with the share of its weight', () => {
  const pick = compileSplit([
    { service: 'blue', weight: 90 },
    { service: 'off', weight: 0 },
    { service: 'green', weight: 9 },
    { service: 'red', weight: 1 },
  ]);
  const counts: Record<string, number> = { blue: 0, off: 0, green: 0, red: 0 };
  // Evenly spread over [0, 1): the counts are then exactly the weights.
  for (let i = 0; i < 10_000; i++) {
    const service = pick((i + 0.5) / 10_000);
    counts[service] = (counts[service] ?? 0) + 1;
  }
  assert.deepEqual(counts, { blue: 9000, off: 0, green: 900, red: 100 });
});

it('by chance each service gets its share, within what chance explains', () => {
  const random = seededRandom(42);
  const pick = compileSplit([
    { service: 'stable', weight: 95 },
    { service: 'canary', weight: 5 },
  ]);
  let canary = 0;
  for (let i = 0; i < 100_000; i++) if (pick(random()) === 'canary') canary++;
  // Four standard deviations of a binomial distribution.
  assert.ok(Math.abs(canary - 5000) <= 4 * Math.sqrt(100_000 * 0.05 * 0.95), String(canary));
});

it('the ends of the range belong to the first and the last service with a weight', () => {
  const pick = compileSplit([
    { service: 'off', weight: 0 },
    { service: 'a', weight: 1 },
    { service: 'b', weight: 1 },
    { service: 'off', weight: 0 },
  ]);
  assert.deepEqual([0, 0.5 - Number.EPSILON, 0.5, 1 - Number.EPSILON, 1].map(pick), [
    'a',
    'a',
    'b',
    'b',
    'b',
  ]);
});

it('one service is always picked', () => assert.equal(compileSplit([{ service: 'a', weight: 3 }])(0.7), 'a'));

it('a split without a weight cannot be made', () => {
  assert.throws(() => compileSplit([{ service: 'a', weight: 0 }]), {
    message: 'a split needs a weight above 0',
  });
});
