import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CookieRemover } from './cookie.ts';
import { Fields } from './fields.ts';

const CASES: readonly [field: string, kept: string][] = [
  ['s=1; a=2', 'a=2'],
  ['a=2; s-flow-abc=1; b=3', 'a=2; b=3'],
  ['s-flow-abc=1; s=2; s-flow-=3', ''],
  ['xs-flow-abc=1; s-flowabc=2', 'xs-flow-abc=1; s-flowabc=2'],
  ['s-other=1', 's-other=1'],
  ['s=1', ''],
  [' s=1 ;\ts=2;', ''],
  ['a=1; s=2; b=3; s=4', 'a=1; b=3'],
  ['s; a=1', 's; a=1'],
];

describe('cookies that are taken off, with those whose names go on with a suffix', () => {
  for (const [field, kept] of CASES)
    it(`leaves ${JSON.stringify(kept)} of ${JSON.stringify(field)}`, () => {
      assert.equal(new CookieRemover(['s'], '-flow-').without(field), kept);
    });
});

it('cookies are taken off each Cookie field; one that has no other goes', () => {
  const fields = Fields.ofLines('Cookie: s=1; a=2\r\nX: 1\r\ncookie: s=3\r\nCookie: b=4\r\n', ~0);
  new CookieRemover(['s']).takeOff(fields);
  assert.equal(fields.toLines(), 'Cookie: a=2\r\nX: 1\r\nCookie: b=4\r\n');
});
