import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { builtinCatalog } from './catalog.ts';
import { formatErrors } from './format.ts';
import { place } from './load.support.ts';
import { loadConfig } from './load.ts';

describe('A policy of your own', () => {
  const policy =
    "import { definePolicy, z } from 'portcullis/policy';\nimport './helper.ts';\nexport const policy = definePolicy({ name: 'p', stage: 'transform', schema: z.strictObject({}), create: () => ({}) });\n";

  it('has a new address when it or a file that it imports changes, and these files are watched', async () => {
    const file = place({
      'c.yaml': 'policies: [{ ./p.ts: }]\n',
      'p.ts': policy,
      'helper.ts': 'export {};\n',
    });
    const module = async () => {
      const result = await loadConfig(file);
      assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
      assert.deepEqual(
        result.config.files.map((each) => each.split('/').at(-1)),
        ['c.yaml', 'p.ts', 'helper.ts'],
      );
      return result.config.dataPlane.policies[0]?.module;
    };
    const first = await module();
    assert.match(first ?? '', /^file:.*\/p\.ts\?v=[0-9a-f]{32}$/);
    assert.equal(await module(), first);
    writeFileSync(join(file, '..', 'helper.ts'), 'export const one = 1;\n');
    assert.notEqual(await module(), first);
  });
});

const POLICY = (schema: string, create: string): string =>
  `import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({ name: 'mine', stage: 'transform', schema: ${schema}, create: ${create} });
`;

describe('A policy of the user that fails while the configuration is checked is an error like any other:', () => {
  const failing: [title: string, text: string, message: string][] = [
    [
      'one that throws when it is loaded',
      "throw new Error('no licence');",
      'the policy ./p.ts cannot be loaded: no licence (<dir>/p.ts:1)',
    ],
    [
      'one that throws something else than an error',
      'throw { not: 1 };',
      'the policy ./p.ts cannot be loaded: [object Object]',
    ],
    [
      'one that never ends to load',
      'await new Promise(() => {});',
      'the policy ./p.ts is not ready within 50 ms',
    ],
    [
      'one whose schema throws',
      POLICY("z.any().transform(() => { throw new Error('a schema'); })", '() => ({})'),
      'a schema',
    ],
    [
      'one that throws when it is made',
      POLICY('z.any()', "() => { throw new Error('nothing to make'); }"),
      'the policy ./p.ts cannot be made: nothing to make',
    ],
    [
      'one that is never made',
      POLICY('z.any()', 'async () => new Promise(() => {})'),
      'the policy ./p.ts is not ready within 50 ms',
    ],
  ];
  for (const [title, text, expected] of failing) {
    it(title, async () => {
      const file = place({ 'c.yaml': 'policies: [{ ./p.ts: {} }]\n', 'p.ts': text });
      // Only those that wait for ever are given a short time: on a busy machine the others take theirs.
      const limit = expected.endsWith('50 ms') ? { limitMs: 50 } : {};
      const loaded = await loadConfig(file, { policies: builtinCatalog(limit) });
      assert.ok(!loaded.ok);
      assert.deepEqual(
        loaded.errors.map(({ line, column, message }) => [
          line,
          column,
          message.replaceAll(dirname(file), '<dir>'),
        ]),
        [[1, 14, expected]],
      );
    });
  }
});
