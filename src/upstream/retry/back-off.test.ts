import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { backOffMs } from './back-off.ts';

const SETTINGS = { base: 25, max: 250 };

suite('back-off', () => {
  const table: [retry: number, random: number, ms: number][] = [
    [1, 0, 0],
    [1, 0.5, 12.5],
    [2, 0.5, 25],
    [3, 0.5, 50],
    [4, 0.5, 100],
    [5, 0.5, 125],
    [2000, 0.5, 125],
  ];
  for (const [retry, random, ms] of table) {
    test(`before retry ${retry}, at ${random} of the bound: ${ms} ms`, () =>
      assert.equal(
        backOffMs(SETTINGS, retry, () => random),
        ms,
      ));
  }

  test('never waits longer than the bound, and without a base not at all', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (retry, at) => {
          const ms = backOffMs(SETTINGS, retry, () => at);
          assert.ok(ms >= 0 && ms <= Math.min(250, 25 * 2 ** (retry - 1)));
          assert.equal(
            backOffMs({ base: 0, max: 0 }, retry, () => at),
            0,
          );
        },
      ),
    );
  });
});
