import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inexactPart, reduced } from './exactness.ts';
import { LimitPlay, limitOf } from './shared/limiter.support.ts';

const DAY_MS = 86_400_000;

describe('A rate by its smallest numbers', () => {
  it('is the same rate, and cannot be made smaller', () => {
    const whole = fc.integer({ min: 1, max: 2 ** 31 });
    fc.assert(
      fc.property(whole, whole, (quota, windowMs) => {
        const counted = reduced(quota, windowMs);
        assert.equal(BigInt(counted.quota) * BigInt(windowMs), BigInt(quota) * BigInt(counted.windowMs));
        assert.deepEqual(reduced(counted.quota, counted.windowMs), counted);
      }),
    );
  });

  for (const [quota, windowMs, expected] of [
    [100, 60_000, { quota: 1, windowMs: 600 }],
    [1_000_000, 1000, { quota: 1000, windowMs: 1 }],
    [7, 1000, { quota: 7, windowMs: 1000 }],
  ] as const) {
    it(`of ${quota} in ${windowMs} ms is ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(reduced(quota, windowMs), expected));
  }
});

describe('What cannot be counted without rounding', () => {
  const gcra = { algorithm: 'gcra', burst: 1 } as const;
  const sliding = { algorithm: 'sliding-window', burst: 1 } as const;
  for (const [title, limit, part] of [
    ['a million in a second can', { ...gcra, quota: 1_000_000, windowMs: 1000 }, undefined],
    ['nearly a million cannot', { ...gcra, quota: 999_999, windowMs: 1000 }, 'rate'],
    ['71,000 and one in a second can', { ...gcra, quota: 71_001, windowMs: 1000 }, undefined],
    ['a large burst can', { ...gcra, quota: 1000, windowMs: 31 * DAY_MS, burst: 1e9 }, undefined],
    [
      'a large burst of an odd number cannot',
      { ...gcra, quota: 7, windowMs: 30 * DAY_MS, burst: 1e9 },
      'burst',
    ],
    ['a sliding window of a million can', { ...sliding, quota: 1_000_000, windowMs: 31 * DAY_MS }, undefined],
    ['one of ten million cannot', { ...sliding, quota: 10_000_000, windowMs: 31 * DAY_MS }, 'rate'],
  ] as const) {
    it(title, () => assert.equal(inexactPart(limit), part));
  }

  it('is refused, because what is counted is exact to the unit after two years', () => {
    const rates = fc.record({
      quota: fc.integer({ min: 1, max: 71_000 }),
      windowMs: fc.constantFrom(1000, 60_000, 3_600_000, 31 * DAY_MS),
      burst: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 1000 }), (rate, someMs) => {
        const limit = limitOf({ ...rate, ...reduced(rate.quota, rate.windowMs) });
        if (inexactPart({ ...gcra, ...rate }) !== undefined) return;
        const play = new LimitPlay();
        play.nowMs = 2 * 365 * DAY_MS - 1000 + someMs;
        assert.equal(play.admitted(rate.burst + 5, [limit]), rate.burst);
        // The first millisecond at which one more has come in, and the one before.
        const next = Math.ceil(rate.windowMs / rate.quota);
        play.nowMs += next - 1;
        assert.equal(play.admitted(1, [limit]), 0);
        play.nowMs += 1;
        assert.equal(play.admitted(1, [limit]), 1);
      }),
    );
  });
});
