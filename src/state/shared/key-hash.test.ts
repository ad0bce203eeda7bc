import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyHash } from './key-hash.ts';

const KEY = Int32Array.of(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39);

/** Of the messages 00, 01, 02, ... of so many octets, from the designers' own implementation of Chaskey-12. */
const VECTORS: readonly (readonly [octets: number, hash: string])[] = [
  [0, '43cb1f41 51eba0c2 ff0a8ac3 7ee3f642'],
  [2, '57da70c5 2a873cb0 19ee8b2a 165cd82e'],
  [14, 'c133c9c0 55df75b5 0f18f729 99b9837e'],
  [16, '5dd0e2a9 fb5eac8c 633a392e 500c36f3'],
  [18, '0430889e b994dc9c a39d8d46 f0b15fda'],
  [30, 'c082b077 8e22ea68 bfd34969 0418d7da'],
  [32, '77962784 07c647fa dd752c0f d2f5a799'],
  [48, 'f36e748b 8f34677f 1e00ba1b dd7da46d'],
  [62, '0f40ed0f a69bc80f 8e06f97c 61e89697'],
];

function hashOf(text: string, key: Int32Array = KEY): string {
  const out = new Int32Array(4);
  new KeyHash(key).hash(text, out);
  return Array.from(out, (word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ');
}

describe('The hash of a key', () => {
  for (const [octets, hash] of VECTORS) {
    it(`is Chaskey-12 for ${octets} octets`, () => {
      const text = Buffer.from(Array.from({ length: octets }, (_, i) => i)).toString('utf16le');
      assert.equal(hashOf(text), hash);
    });
  }

  it('differs where the text ends otherwise, or the key is another', () => {
    const other = Int32Array.of(1, 2, 3, 4);
    const hashes = [
      ...['', '\u0001', '\u0001\u0000', 'a', 'a\u0001', 'aaaaaaaa', 'aaaaaaaa\u0001'].map((text) =>
        hashOf(text),
      ),
      hashOf('a', other),
    ];
    assert.equal(new Set(hashes).size, hashes.length);
  });
});
