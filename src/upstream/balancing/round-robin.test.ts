import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assertDistribution, countsOf, picks, seededRandom, sharesOf, sum } from './balancing.support.ts';
import { RoundRobin } from './round-robin.ts';

const first = () => 0;

suite('targets take turns', () => {
  const table: [weights: number[], order: string][] = [
    [[7], 'aaaa'],
    [[1, 1], 'abab'],
    [[1, 1, 1], 'abcabc'],
    [[2, 1], 'aabaab'],
    [[5, 1, 1], 'aaabaacaaabaac'],
    [[3, 2, 1], 'abaabcabaabc'],
    [[4, 3], 'abaabababaabab'],
    [[5, 1, 1, 1, 1, 1], 'aabacdaeaf'],
  ];
  for (const [weights, order] of table) {
    test(`weights ${weights.join(', ')}: ${order}`, () =>
      assert.equal(picks(new RoundRobin(sharesOf(...weights), first), order.length).join(''), order));
  }

  test('from a place that chance chooses', () => {
    const starts = Array.from({ length: 3000 }, (_, seed) =>
      picks(new RoundRobin(sharesOf(1, 1, 1), seededRandom(seed)), 3).join(''),
    );
    assertDistribution(countsOf(starts, ['abc', 'bca', 'cab']), [1, 1, 1]);
  });

  test('each gets exactly its share in every round, and is never early or late by more than a turn of each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        (weights, rounds) => {
          const total = sum(weights);
          const balancer = new RoundRobin(sharesOf(...weights), first);
          const counts = weights.map(() => 0);
          for (let turn = 1; turn <= total * rounds; turn++) {
            const picked = (picks(balancer, 1)[0] as string).charCodeAt(0) - 97;
            counts[picked] = (counts[picked] ?? 0) + 1;
            for (const [i, weight] of weights.entries()) {
              const due = (turn * weight) / total;
              assert.ok(Math.abs((counts[i] ?? 0) - due) < weights.length, `target ${i} at turn ${turn}`);
            }
            if (turn % total === 0)
              assert.deepEqual(
                counts,
                weights.map((weight) => (weight * turn) / total),
              );
          }
        },
      ),
    );
  });

  test('by any weights, such as those of a slow start', () => {
    const weights = [0.1, 1, 0.35, 2.75];
    const picked = countsOf(picks(new RoundRobin(sharesOf(...weights), first), 42_000), ['a', 'b', 'c', 'd']);
    for (const [i, weight] of weights.entries())
      assert.ok(Math.abs((picked[i] as number) - weight * 10_000) <= 4, picked.join(', '));
  });

  test('a thousand of them, each once in a round', () => {
    const balancer = new RoundRobin(sharesOf(...Array.from({ length: 1000 }, () => 1)), seededRandom(5));
    for (let round = 0; round < 3; round++) assert.equal(new Set(picks(balancer, 1000)).size, 1000);
  });
});

test('a retry is out of turn, and goes to another by weight', () => {
  const shares = sharesOf(1000, 2, 1);
  const balancer = new RoundRobin(shares, seededRandom(6));
  const tried = shares.slice(0, 1).map(({ endpoint }) => endpoint);
  const picked = Array.from({ length: 3000 }, () => balancer.pick(undefined, tried)?.name ?? '-');
  assertDistribution(countsOf(picked, ['b', 'c']), [2, 1]);
});
