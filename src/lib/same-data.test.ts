import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sameData } from './same-data.ts';

describe('sameData', () => {
  for (const [what, a, b, expected] of [
    ['equal texts', 'a', 'a', true],
    ['a text and the number that it spells', '1', 1, false],
    ['null and an empty map', null, {}, false],
    ['0 and -0', 0, -0, false],
    ['an empty list and an empty map', [], {}, false],
    ['an empty map and an empty list', {}, [], false],
    ['lists that differ in their order', ['a', 'b'], ['b', 'a'], false],
    ['a list and one that goes on', ['a'], ['a', 'b'], false],
    ['maps that differ in the order of their keys', { a: 1, b: 2 }, { b: 2, a: 1 }, false],
    ['a map and one with a key more', { a: 1 }, { a: 1, b: 2 }, false],
    ['a key without value and a missing one', { a: undefined }, {}, false],
    ['maps within lists within maps', { a: [{ b: 'c' }] }, { a: [{ b: 'c' }] }, true],
    ['maps that differ far within', { a: [{ b: { c: true } }] }, { a: [{ b: { c: false } }] }, false],
  ] as const) {
    it(`says of ${what}: ${expected ? 'the same' : 'not the same'}`, () => {
      assert.equal(sameData(a, b), expected);
    });
  }

  it('says the same as a comparison of their texts', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const negativeZero = /-0(?![.\d])/.test(fc.stringify([a, b]));
        if (!negativeZero) assert.equal(sameData(a, b), JSON.stringify(a) === JSON.stringify(b));
        assert.equal(sameData(a, structuredClone(a)), true);
      }),
    );
  });
});
