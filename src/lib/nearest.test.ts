import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const WORDS = ['origins', 'methods', 'headers', 'maxAge', 'credentials'];

for (const [word, expected] of [
  ['orgins', 'origins'],
  ['orignis', 'origins'],
  ['Headers', 'headers'],
  ['max-age', 'maxAge'],
  ['maxage', 'maxAge'],
  ['methodes', 'methods'],
  ['timeout', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
] as const) {
  test(`the word nearest to ${JSON.stringify(word.slice(0, 20))} is ${expected}`, () => {
    assert.equal(nearest(word, WORDS), expected);
  });
}
