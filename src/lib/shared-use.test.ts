import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedUse } from './shared-use.ts';

test('What several use is made once, closed after the last, and made anew for the next', () => {
  const said: string[] = [];
  let made = 0;
  const shared = new SharedUse(
    () => {
      said.push(`made ${++made}`);
      return made;
    },
    (value) => said.push(`closed ${value}`),
  );
  const [first, second] = [shared.use(), shared.use()];
  assert.equal(first.value, second.value);
  first.release();
  first.release();
  assert.deepEqual(said, ['made 1']);
  second.release();
  assert.deepEqual(said, ['made 1', 'closed 1']);
  shared.use().release();
  assert.deepEqual(said.slice(2), ['made 2', 'closed 2']);
});
