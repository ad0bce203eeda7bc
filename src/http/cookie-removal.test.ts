import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutNames } from './cookie.ts';

const CASES: readonly [field: string, kept: string][] = [
  ['s=1; a=2', 'a=2'],
  ['a=2; s-flow-abc=1; b=3', 'a=2; b=3'],
  ['s-flow-abc=1; s=2; s-flow-=3', ''],
  ['xs-flow-abc=1; s-flowabc=2', 'xs-flow-abc=1; s-flowabc=2'],
  ['s-other=1', 's-other=1'],
];

describe('cookies that are taken off, with those whose names go on with a suffix', () => {
  for (const [field, kept] of CASES)
    it(`leaves ${JSON.stringify(kept)} of ${JSON.stringify(field)}`, () => {
      assert.equal(withoutNames(field, ['s'], '-flow-'), kept);
    });
});
