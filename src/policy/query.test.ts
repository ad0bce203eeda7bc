import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { queryValue, withoutParameter, withParameter } from './query.ts';

for (const [search, name, expected] of [
  ['', 'a', undefined],
  ['?', 'a', undefined],
  ['?a=1', 'a', '1'],
  ['?b=2&a=1&a=3', 'a', '1'],
  ['?aa=1&a', 'a', ''],
  ['?a==1', 'a', '=1'],
  ['?a=x%20y+z', 'a', 'x%20y+z'],
  ['?%61=1', 'a', '1'],
  ['?a+b=1', 'a b', '1'],
  ['?a+b=1', 'a+b', undefined],
  ['?a%2Bb=1', 'a+b', '1'],
  ['?caf%C3%A9=1', 'café', '1'],
  ['?=1', '', '1'],
  ['?&&a=1', 'a', '1'],
  ['?b=a=1', 'a', undefined],
  ['?toString=1', 'constructor', undefined],
] as const) {
  test(`the parameter ${name} of ${search} is ${expected}`, () => {
    assert.equal(queryValue(search, name), expected);
  });
}

for (const [search, name, expected] of [
  ['', 'a', ''],
  ['?a=1', 'a', ''],
  ['?a=1&b=2', 'a', '?b=2'],
  ['?b=2&a=1', 'a', '?b=2'],
  ['?b=2&a=1&c=3&a=4', 'a', '?b=2&c=3'],
  ['?b=2&%61=1', 'a', '?b=2'],
  ['?ab=1&ba=2', 'a', '?ab=1&ba=2'],
  ['?b=%20+&c', 'a', '?b=%20+&c'],
  ['?a&a&a', 'a', ''],
] as const) {
  test(`${search} without ${name} is ${expected}`, () => {
    assert.equal(withoutParameter(search, name), expected);
  });
}

for (const [search, expected] of [
  ['', '?a=1'],
  ['?', '?a=1'],
  ['?b=2', '?b=2&a=1'],
] as const) {
  test(`${search} with a=1 is ${expected}`, () => {
    assert.equal(withParameter(search, 'a', '1'), expected);
  });
}

test('after a removal URLSearchParams finds no parameter of that name, and all the others', () => {
  const pair = fc.tuple(
    fc.constantFrom('a', '%61', 'A', 'b', 'a%62', '', 'a+'),
    fc.constantFrom('', '1', '%26', 'a'),
  );
  fc.assert(
    fc.property(fc.array(pair), (pairs) => {
      const search =
        pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`;
      const rest = [...new URLSearchParams(search)].filter(([name]) => name !== 'a');
      assert.deepEqual([...new URLSearchParams(withoutParameter(search, 'a'))], rest);
    }),
  );
});
