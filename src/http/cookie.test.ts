import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cookieValue, cookieValues, soleCookieValue } from './cookie.ts';

const TABLE: readonly (readonly [title: string, field: string | undefined, value: string | undefined])[] = [
  ['no field', undefined, undefined],
  ['an empty field', '', undefined],
  ['the only cookie', 'id=7', '7'],
  ['a cookie among others', 'a=1; id=7; b=2', '7'],
  ['the first of two of one name', 'id=7; id=8', '7'],
  ['an empty value', 'id=; a=1', ''],
  ['a value with an equals sign', 'id=a=b', 'a=b'],
  ['quotes are a part of the value', 'id="7"', '"7"'],
  ['white space around a pair is not', 'a=1;\t id=7 ;b=2', '7'],
  ['white space alone', ' \t', undefined],
  ['no space after the semicolon', 'a=1;id=7', '7'],
  ['empty pairs', ';;id=7;', '7'],
  ['a name that ends so', 'xid=7', undefined],
  ['a name that begins so', 'idx=7', undefined],
  ['another case', 'ID=7', undefined],
  ['the name as a value', 'a=id; b=id=7', undefined],
  ['the name without a value', 'id; a=1', undefined],
];

for (const [title, field, value] of TABLE) {
  test(`${title}: ${JSON.stringify(value)}`, () => assert.equal(cookieValue(field, 'id'), value));
}

test('all cookies of a name are found, in their order', () => {
  assert.deepEqual(cookieValues('id=7; a=1;id=;\t id=9 ;ID=1; xid=2', 'id'), ['7', '', '9']);
  assert.deepEqual(cookieValues('a=1', 'id'), []);
});

test('a name with several values has none that counts, wherever they stand', () => {
  const piece = fc.constantFrom(
    'id=7',
    'id=8',
    'id=',
    'id=77',
    'xid=8',
    'idx=8',
    ';',
    '; ',
    ' ',
    'a=id=8',
    '=',
    'id',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const field = pieces.join('');
      const values = new Set(cookieValues(field, 'id'));
      assert.equal(soleCookieValue(field, 'id'), values.size > 1 ? null : [...values][0], field);
    }),
    { numRuns: 2000 },
  );
});

test('finds what splitting the field finds', () => {
  const piece = fc.constantFrom('id', 'i', 'd', '=', ';', ' ', '\t', 'x', '"');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const field = pieces.join('');
      const pairs = field.split(';').map((pair) => pair.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
      const expected = pairs.find((pair) => pair.startsWith('id='))?.slice('id='.length);
      assert.equal(cookieValue(field, 'id'), expected);
      assert.equal(cookieValues(field, 'id')[0], expected);
    }),
  );
});
