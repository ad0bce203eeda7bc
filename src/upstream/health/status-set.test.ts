import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compileStatusSet, parseStatusRange } from './status-set.ts';

suite('a range of statuses', () => {
  for (const [text, first, last] of [
    ['200', 200, 200],
    ['2xx', 200, 299],
    ['5xx', 500, 599],
    ['200-299', 200, 299],
    ['599-599', 599, 599],
  ] as const) {
    test(`${text} is from ${first} to ${last}`, () => {
      assert.deepEqual(parseStatusRange(text), { first, last });
    });
  }

  for (const text of [
    '',
    '1xx',
    '6xx',
    '2XX',
    '20x',
    '100',
    '199-299',
    '200-600',
    '299-200',
    '200-',
    '-299',
    '2xx-3xx',
    ' 200',
  ])
    test(`${JSON.stringify(text)} is none`, () => {
      assert.equal(parseStatusRange(text), undefined);
    });
});

suite('a set of statuses', () => {
  const has = compileStatusSet([204, '3xx', '400-404']);
  for (const [status, member] of [
    [200, false],
    [204, true],
    [299, false],
    [300, true],
    [399, true],
    [400, true],
    [404, true],
    [405, false],
  ] as const) {
    test(`${member ? 'has' : 'does not have'} ${status}`, () => {
      assert.equal(has(status), member);
    });
  }

  test('is not made of what is no status', () => {
    assert.throws(() => compileStatusSet(['ok']), new RangeError('ok is not a status, a class or a range'));
  });
});
