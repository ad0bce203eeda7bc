import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertDistribution } from './balancing.support.ts';
import { murmur3 } from './murmur3.ts';

suite('MurmurHash3, x86, 32 bit', () => {
  // Vectors of implementations that were checked against the reference (SMHasher).
  const vectors: readonly [text: string, seed: number, hash: number][] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\0', 0, 0x514e28b7],
    ['\0\0', 0, 0x30f4c306],
    ['\0\0\0', 0, 0x85f0b427],
    ['\0\0\0\0', 0, 0x2362f9de],
    ['\xff\xff\xff\xff', 0, 0x76293b50],
    ['!', 0, 0x72661cf4],
    ['!C', 0, 0xa0f7b07a],
    ['!Ce', 0, 0x7e4a8634],
    ['!Ce\x87', 0, 0xf55b516b],
    ['!Ce\x87', 0x5082edee, 0x2362f9de],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['ab', 0x9747b28c, 0x74875592],
    ['abc', 0x9747b28c, 0xc84a62dd],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ];
  for (const [text, seed, hash] of vectors) {
    test(`${JSON.stringify(text)} with seed ${seed}`, () => assert.equal(murmur3(text, seed) >>> 0, hash));
  }

  test('spreads keys that differ in a digit evenly', () => {
    const counts = Array.from({ length: 64 }, () => 0);
    for (let i = 0; i < 64_000; i++) {
      const bucket = (murmur3(`user-${i}`, 0) >>> 0) % 64;
      counts[bucket] = (counts[bucket] as number) + 1;
    }
    assertDistribution(
      counts,
      counts.map(() => 1),
    );
  });
});
