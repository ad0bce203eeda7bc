import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readPairs } from './pairs.ts';

suite('The pairs of a query or a form', () => {
  for (const [text, json] of [
    ['', '{}'],
    ['?a=1&b=2', '{"a":"1","b":"2"}'],
    ['a&b=', '{"a":"","b":""}'],
    ['a&b=1', '{"a":"","b":"1"}'],
    ['a=b=c&=d', '{"a":"b=c","":"d"}'],
    ['&&a=1&&a=2&', '{"a":["1","2"]}'],
    ['a%3Db=%26+', '{"a=b":"& "}'],
    ['K=secret&k%20=secret&c=1', '{"c":"1"}'],
  ] as const)
    test(`${JSON.stringify(text)} are ${json}`, () =>
      assert.deepEqual(readPairs(text, new Set(['k'])), { ok: true, json }));

  test('are 10,000 at most', () =>
    assert.deepEqual(readPairs('a&'.repeat(10_001), undefined), {
      ok: false,
      reason: 'has more than 10000 parameters',
    }));

  test('cost as much as their length, also without any equals sign', () => {
    const text = 'a&'.repeat(9_999) + 'b'.repeat(16 * 1024 * 1024);
    const begun = process.cpuUsage();
    assert.ok(readPairs(text, undefined).ok);
    const { user, system } = process.cpuUsage(begun);
    // It took 4 s where each pair was looked through to the end of the text.
    assert.ok(user + system < 1_500_000, `${user + system} us`);
  });
});
