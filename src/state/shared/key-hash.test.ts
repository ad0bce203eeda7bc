import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyHash } from './key-hash.ts';

const KEY = Int32Array.of(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39);

/** Of the messages 00, 01, 02, ... of so many octets, from the designers' own implementation of Chaskey-12. */
const VECTORS: readonly (readonly [octets: number, hash: string])[] = [
  [0, '43cb1f41 51eba0c2 ff0a8ac3 7ee3f642'],
  [1, 'f9ac2067 9c35a846 441aad3d 777b7330'],
  [2, '57da70c5 2a873cb0 19ee8b2a 165cd82e'],
  [14, 'c133c9c0 55df75b5 0f18f729 99b9837e'],
  [15, '03cfb44b 283c8163 fca71448 c40a0aea'],
  [16, '5dd0e2a9 fb5eac8c 633a392e 500c36f3'],
  [17, '8b5f6d5a 202314f6 22092368 9639e606'],
  [19, '426ca8dd 9da954c9 613290fc 9aebe7e9'],
  [30, 'c082b077 8e22ea68 bfd34969 0418d7da'],
  [32, '77962784 07c647fa dd752c0f d2f5a799'],
  [48, 'f36e748b 8f34677f 1e00ba1b dd7da46d'],
  [63, '2dd072e1 42b89efe fb26b615 049aa451'],
];

function hashOf(text: string, key: Int32Array = KEY): string {
  const out = new Int32Array(4);
  new KeyHash(key).hash(text, out);
  return Array.from(out, (word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ');
}

describe('The hash of a key', () => {
  for (const [octets, hash] of VECTORS) {
    it(`is Chaskey-12 for ${octets} octets`, () => {
      const text = Buffer.from(Array.from({ length: octets }, (_, i) => i)).toString('latin1');
      assert.equal(hashOf(text), hash);
    });
  }

  it('differs where the text ends otherwise, or the key is another', () => {
    const other = Int32Array.of(1, 2, 3, 4);
    const hashes = [
      ...[
        '',
        '\u0001',
        '\u0001\u0000',
        'a',
        'a\u0001',
        'a'.repeat(16),
        `${'a'.repeat(16)}\u0001`,
        'ā',
        '\u0001\u0001',
      ].map((text) => hashOf(text)),
      hashOf('a', other),
    ];
    assert.equal(new Set(hashes).size, hashes.length);
  });
});
