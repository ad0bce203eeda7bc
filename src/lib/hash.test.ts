import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, mix } from './hash.ts';

test('a hash never changes: clients that were assigned by it would move', () => {
  assert.deepEqual(
    ['', 'a', 'orders', '192.0.2.1', '\u{1f600}'].map(hashOf),
    [2872998923, 444641715, 2069166408, 1941296713, 1787143206],
  );
});

test('keys that differ in their last digit alone spread evenly over 16 buckets', () => {
  const buckets = Array.from({ length: 16 }, () => 0);
  for (let i = 0; i < 16_000; i++) {
    const bucket = hashOf(`client-${i}`) >>> 28;
    buckets[bucket] = (buckets[bucket] as number) + 1;
  }
  // Chi-square with 15 degrees of freedom: 37.7 is exceeded by chance once in a thousand times, and these keys are fixed.
  const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquare < 37.7, `${chiSquare}: ${buckets.join(' ')}`);
});

test('mixing changes about half of the bits when one bit changes', () => {
  let changed = 0;
  for (let bit = 0; bit < 32; bit++) {
    let difference = (mix(0x12345678) ^ mix(0x12345678 ^ (1 << bit))) >>> 0;
    for (; difference > 0; difference >>>= 1) changed += difference & 1;
  }
  assert.ok(changed > 450 && changed < 574, `${changed} of 1024`);
});
