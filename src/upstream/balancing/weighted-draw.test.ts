import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertDistribution, countsOf, seededRandom, sharesOf } from './balancing.support.ts';
import { WeightedDraw } from './weighted-draw.ts';

/** Counts of so many draws, per endpoint. */
function counts(size: number, draw: () => number): number[] {
  return countsOf(
    Array.from({ length: 20_000 }, () => String(draw())),
    Array.from({ length: size }, (_, i) => String(i)),
  );
}

suite('a draw by weight', () => {
  const weights = [3, 1, 0.5, 5];

  test('takes each with the part that its weight is of all', () => {
    const draw = new WeightedDraw(sharesOf(...weights), seededRandom(1));
    assertDistribution(
      counts(4, () => draw.draw()),
      weights,
    );
  });

  for (const first of weights.keys()) {
    test(`of the others than ${first} takes each with the part that its weight is of theirs`, () => {
      const draw = new WeightedDraw(sharesOf(...weights), seededRandom(2));
      const others = (values: readonly number[]) => values.filter((_, i) => i !== first);
      const found = counts(4, () => draw.drawOther(first));
      assert.equal(found[first], 0);
      assertDistribution(others(found), others(weights));
    });
  }

  test('of those not tried yet takes each with the part that its weight is of theirs', () => {
    const draw = new WeightedDraw(sharesOf(...weights), seededRandom(3));
    const tried = [draw.endpoints[1]].filter((endpoint) => endpoint !== undefined);
    const all = counts(4, () => draw.drawUntried(tried, -1));
    assert.equal(all[1], 0);
    assertDistribution([all[0], all[2], all[3]] as number[], [3, 0.5, 5]);
    const others = counts(4, () => draw.drawUntried(tried, 3));
    assert.deepEqual([others[1], others[3]], [0, 0]);
    assertDistribution([others[0], others[2]] as number[], [3, 0.5]);
    assert.equal(draw.drawUntried(draw.endpoints, -1), -1);
  });

  test('stays within its endpoints at the ends of the range', () => {
    for (const random of [0, 1 - Number.EPSILON / 2]) {
      const draw = new WeightedDraw(sharesOf(0.1, 0.2, 0.3), () => random);
      const last = random === 0 ? 0 : 2;
      assert.equal(draw.draw(), last);
      assert.equal(draw.drawUntried([], -1), last);
      assert.equal(draw.drawOther(1), last);
    }
  });

  test('of the others than the only one takes that', () => {
    assert.equal(new WeightedDraw(sharesOf(1), seededRandom(4)).drawOther(0), 0);
  });
});
