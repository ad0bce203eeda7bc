import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { z } from 'zod';
import { builtinPolicies } from './registry.ts';

for (const [name, builtin] of builtinPolicies) {
  const policy = await builtin.load();

  test(`${name}: what is known of it before it is loaded is what it says of itself`, () => {
    assert.equal(policy.name, name);
    assert.equal(builtin.stage, policy.stage);
    const members = ['check', 'identityFields', 'credentialFields', 'secretParameters'] as const;
    assert.deepEqual(
      builtin.has,
      members.filter((member) => policy[member] !== undefined),
    );
    assert.deepEqual(builtin.needs, policy.needs ?? []);
  });

  test(`${name}: the schema becomes a JSON Schema for editors, unknown keys refused`, () => {
    const schema = z.toJSONSchema(policy.schema, { io: 'input' });
    assert.equal(schema.type, 'object');
    assert.equal(schema.additionalProperties, false);
    assert.ok(schema.description);
  });

  test(`${name}: its README names every option`, async () => {
    const text = await readFile(new URL(`./${name}/README.md`, import.meta.url), 'utf8');
    const options = Object.keys(z.toJSONSchema(policy.schema, { io: 'input' }).properties ?? {});
    for (const option of options) assert.match(text, new RegExp(`\`${option}[\`.]`), option);
  });
}
