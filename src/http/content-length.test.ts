import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseContentLength } from './content-length.ts';

suite('a Content-Length', () => {
  for (const [value, length] of [
    ['0', 0],
    ['7', 7],
    ['0042', 42],
    ['999999999999999', 999_999_999_999_999],
  ] as const) {
    test(`${value} is ${length} octets`, () => assert.equal(parseContentLength(value), length));
  }

  for (const value of [
    ...['', ' ', ' 1', '1 ', '+1', '-1', '-0', '1.0', '1e3', '0x10', '1_000', '1,1', '1, 1', '1;', 'a'],
    ...['1000000000000000', '0000000000000001', '١', '１', 'Infinity', 'NaN', '1\0', '\t1'],
  ]) {
    test(`${JSON.stringify(value)} is none`, () => assert.equal(parseContentLength(value), -1));
  }

  test('of digits alone is the number that they say', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999_999_999 }), (length) => {
        assert.equal(parseContentLength(String(length)), length);
      }),
    );
  });

  test('is digits alone', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 6 }), (text) => {
        assert.equal(parseContentLength(text), /^[0-9]+$/.test(text) ? Number(text) : -1);
      }),
    );
  });
});
