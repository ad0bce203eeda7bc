import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { lowSuccessRates } from './success-rate.ts';

const SUCCESS_RATE = { minTargets: 5, requests: 100, deviations: 1.9 };
const FAILURE_PERCENTAGE = { minTargets: 5, requests: 50, threshold: 85 };

/** Targets by their success rate in per cent, each with so many requests. */
const rates = (percent: readonly number[], requests = 100) =>
  percent.map((share) => ({ requests, successes: (requests * share) / 100 }));

suite('below the others is', () => {
  const table: readonly [
    title: string,
    percent: readonly number[],
    requests: number,
    low: readonly number[],
  ][] = [
    ['who fails while the others do not', [100, 100, 100, 100, 50], 100, [4]],
    ['nobody where all fail alike', [50, 50, 50, 50, 50], 100, []],
    ['nobody where all are well', [100, 100, 100, 100, 100], 100, []],
    ['nobody of a spread-out lot', [100, 90, 80, 70, 60], 100, []],
    ['nobody among fewer than five', [100, 100, 100, 0], 100, []],
    ['nobody of those with too few requests', [100, 100, 100, 100, 50], 99, []],
    ['who fails a little, where no other fails at all', [100, 100, 100, 100, 99], 100, [4]],
    // Mean 80, deviation 24.5: the threshold is 33.
    ['neither of two that fail alike', [100, 100, 100, 50, 50], 100, []],
  ];
  for (const [title, percent, requests, low] of table) {
    test(title, () => {
      assert.deepEqual(
        lowSuccessRates(rates(percent, requests), { successRate: SUCCESS_RATE }),
        low.map((index) => ({ index, rule: 'success-rate' })),
      );
    });
  }

  test('not who has too few requests, nor does such a one move the mean', () => {
    const found = lowSuccessRates(
      [...rates([100, 100, 100, 100, 50]), { requests: 99, successes: 0 }, { requests: 0, successes: 0 }],
      { successRate: SUCCESS_RATE },
    );
    assert.deepEqual(found, [{ index: 4, rule: 'success-rate' }]);
  });

  test('nobody where the rule is off', () => {
    assert.deepEqual(lowSuccessRates(rates([100, 100, 100, 100, 0]), { successRate: false }), []);
  });
});

suite('failing too often is', () => {
  const table: readonly [
    title: string,
    percent: readonly number[],
    requests: number,
    low: readonly number[],
  ][] = [
    ['who fails at the threshold', [100, 100, 100, 100, 15], 100, [4]],
    ['not who fails less', [100, 100, 100, 100, 16], 50, []],
    ['everybody where all do', [10, 10, 10, 10, 10], 50, [0, 1, 2, 3, 4]],
    ['nobody among fewer than five', [0, 0, 0, 0], 50, []],
    ['nobody with too few requests', [0, 0, 0, 0, 0], 49, []],
  ];
  for (const [title, percent, requests, low] of table) {
    test(title, () => {
      assert.deepEqual(
        lowSuccessRates(rates(percent, requests), {
          successRate: false,
          failurePercentage: FAILURE_PERCENTAGE,
        }),
        low.map((index) => ({ index, rule: 'failure-percentage' })),
      );
    });
  }

  test('told as below the others where both rules apply', () => {
    assert.deepEqual(
      lowSuccessRates(rates([100, 100, 100, 100, 0]), {
        successRate: SUCCESS_RATE,
        failurePercentage: FAILURE_PERCENTAGE,
      }),
      [{ index: 4, rule: 'success-rate' }],
    );
  });
});
