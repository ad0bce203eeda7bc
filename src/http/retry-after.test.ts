import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseRetryAfter } from './retry-after.ts';

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);

suite('Retry-After asks to wait', () => {
  const table: [value: string, ms: number | undefined][] = [
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['Sat, 31 Jan 2026 12:00:30 GMT', 30_000],
    ['Sat, 31 Jan 2026 11:59:30 GMT', 0],
    ['Saturday, 31-Jan-26 12:00:30 GMT', 30_000],
    ['Wednesday, 31-Jan-76 12:00:00 GMT', 50 * 365.25 * 86_400_000 - 43_200_000],
    // More than 50 years ahead is in the past.
    ['Thursday, 31-Jan-77 12:00:00 GMT', 0],
    ['Saturday, 31-Jan-99 12:00:00 GMT', 0],
    ['Sat Jan 31 12:00:30 2026', 30_000],
    ['Sun Feb  1 12:00:00 2026', 86_400_000],
    ['9999999999', 999_999_999_000],
    ['9'.repeat(400), 999_999_999_000],
    ['Sat, 31-Jan-26 12:00:30 GMT', undefined],
    ['Sat Jan 31 12:00:30 2026 GMT', undefined],
    ['Sat, 31 Jam 2026 12:00:30 GMT', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1, 2', undefined],
    ['', undefined],
    ['soon', undefined],
    ['2026-01-31T12:00:30Z', undefined],
    ['Sat, 99 Jan 2026 12:00:30 GMT', undefined],
  ];
  for (const [value, ms] of table) {
    test(`${JSON.stringify(value)}: ${ms === undefined ? 'cannot be read' : `${ms} ms`}`, () =>
      assert.equal(parseRetryAfter(value, NOW), ms));
  }
});
