import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from './step-budget.ts';

test('References are counted wherever a schema may stand, and nowhere else', () => {
  const ref = { $ref: '#/definitions/a' };
  const marked = { ...ref, stepBudget: true };
  const schema = {
    properties: { default: ref, $ref: ref, a: { anyOf: [ref, true] } },
    items: ref,
    const: ref,
    enum: [ref],
    definitions: { a: { type: 'string' } },
  };
  assert.deepEqual(counted(schema), {
    properties: { default: marked, $ref: marked, a: { anyOf: [marked, true] } },
    items: marked,
    const: ref,
    enum: [ref],
    definitions: { a: { type: 'string' } },
  });
  assert.equal(counted(true), true);
});
