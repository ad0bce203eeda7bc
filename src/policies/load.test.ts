import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { exchangeFor } from '../../test/support/exchange.ts';
import { Fields } from '../http/fields.ts';
import type { Answer } from '../policy/contract.ts';
import { loadPolicy } from './load.ts';
import { builtinPolicies } from './registry.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-policies-'));
});

after(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);

const load = (name: string, version = '1') =>
  loadPolicy({
    name: `./${name}`,
    module: `${pathToFileURL(join(folder, name)).href}?v=${version}`,
    options: {},
  });

/** The answer of a policy that always answers. */
async function answerOf(name: string, version: string): Promise<Answer> {
  const policy = await load(name, version);
  const hooks = await policy.create(
    {},
    {
      route: 'r',
      warn: () => {},
      count: () => {},
      addressList: () => assert.fail('no list was asked for'),
      textList: () => assert.fail('no list was asked for'),
      load: () => ({ measuredAtMs: 0, eventLoopDelayMs: 0, memoryShare: 0 }),
    },
  );
  const answer = await hooks.onRequest?.(exchangeFor());
  assert.ok(answer);
  return answer;
}

const GREETING = `
import { definePolicy, z, Fields, type Exchange } from 'portcullis/policy';
import { greeting } from './greeting.ts';
export const own = Fields;
export const policy = definePolicy({
  name: 'greeting',
  stage: 'transform',
  schema: z.strictObject({}),
  create: () => ({ onRequest: (exchange: Exchange) => ({ status: 200, body: greeting(exchange.id) }) }),
});
`;

test('a built-in policy is found by its name', async () => {
  assert.equal((await loadPolicy({ name: 'cors', options: {} })).name, 'cors');
});

test('an unknown name is refused with the nearest known one', async () => {
  await assert.rejects(loadPolicy({ name: 'header', options: {} }), {
    message: 'there is no policy "header": did you mean headers?',
  });
});

test('an unknown name that is near to none is refused with all that there are', async () => {
  await assert.rejects(loadPolicy({ name: 'waf', options: {} }), {
    message: `there is no policy "waf": the built-in ones are ${[...builtinPolicies.keys()].join(', ')}; the path of your own begins with ./`,
  });
});

test('a user’s policy is TypeScript run as it is, and imports the contract by its public name', async () => {
  await write('first.ts', GREETING);
  await write('greeting.ts', 'export const greeting = (id: string): string => `hello ${id}`;');
  assert.deepEqual(await answerOf('first.ts', 'a'), { status: 200, body: 'hello request-1' });
});

test('the contract that a user’s policy imports is the gateway’s own, not a copy', async () => {
  await write('second.ts', GREETING);
  await write('greeting.ts', 'export const greeting = (id: string): string => id;');
  const url = `${pathToFileURL(join(folder, 'second.ts')).href}?v=own`;
  await load('second.ts', 'own');
  assert.equal((await import(url)).own, Fields);
});

test('a package of the gateway’s name that is installed beside it changes nothing', async () => {
  const installed = join(folder, 'node_modules', 'portcullis');
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, 'package.json'), '{"type":"module","exports":{"./policy":"./policy.js"}}');
  await writeFile(join(installed, 'policy.js'), "throw new Error('the wrong one');");
  try {
    await write('installed.ts', GREETING);
    await write('greeting.ts', 'export const greeting = (id: string): string => id;');
    assert.equal((await load('installed.ts', 'installed')).name, 'greeting');
  } finally {
    await rm(join(folder, 'node_modules'), { recursive: true });
  }
});

test('a package that a policy imports gets the gateway’s own contract too', async () => {
  const install = async (name: string, manifest: string, text: string) => {
    const home = join(folder, 'node_modules', name);
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.json'), manifest);
    await writeFile(join(home, 'index.js'), text);
  };
  await install(
    'portcullis',
    '{"type":"module","exports":{"./policy":"./index.js"}}',
    "throw new Error('the wrong one');",
  );
  await install(
    'shared',
    '{"type":"module","main":"index.js"}',
    "export { Fields as shared } from 'portcullis/policy';",
  );
  try {
    await write('sharing.ts', `export { shared } from 'shared';\n${GREETING}`);
    await write('greeting.ts', 'export const greeting = (id: string): string => id;');
    await load('sharing.ts', 'sharing');
    assert.equal(
      (await import(`${pathToFileURL(join(folder, 'sharing.ts')).href}?v=sharing`)).shared,
      Fields,
    );
  } finally {
    await rm(join(folder, 'node_modules'), { recursive: true });
  }
});

test('with a new version, a changed file that the policy imports is read again', async () => {
  await write('third.ts', GREETING.replace('./greeting.ts', './near.ts'));
  await write('near.ts', "export * from './far.ts';");
  await write('far.ts', 'export const greeting = (id: string): string => `one ${id}`;');
  assert.equal((await answerOf('third.ts', 'one')).body, 'one request-1');

  await write('far.ts', 'export const greeting = (id: string): string => `two ${id}`;');
  assert.equal(
    (await answerOf('third.ts', 'one')).body,
    'one request-1',
    'the same version is the same module',
  );
  assert.equal((await answerOf('third.ts', 'two')).body, 'two request-1');
});

test('a file that was broken loads once it is mended', async () => {
  await write('fourth.ts', 'export const policy = {');
  await assert.rejects(load('fourth.ts', 'broken'));
  await write('fourth.ts', GREETING);
  assert.equal((await load('fourth.ts', 'mended')).name, 'greeting');
});

test('TypeScript is an ES module whatever a package.json says', async () => {
  await write('package.json', '{"type":"commonjs"}');
  try {
    await write('fifth.ts', GREETING);
    assert.equal((await load('fifth.ts')).name, 'greeting');
  } finally {
    await rm(join(folder, 'package.json'));
  }
});

const REFUSED: readonly (readonly [title: string, source: string, message: string | RegExp])[] = [
  [
    'without an export',
    'const policy = 1;\nexport {};',
    'the policy ./x.ts has no export named policy: write export const policy = definePolicy({ ... })',
  ],
  [
    'with a default export',
    'export default {};',
    'the policy ./x.ts has no export named policy, only a default export: write export const policy = definePolicy({ ... })',
  ],
  [
    'with another export',
    'export const Policy = {};',
    'the policy ./x.ts has no export named policy, only Policy: write export const policy = definePolicy({ ... })',
  ],
  [
    'that is no object',
    'export const policy = () => {};',
    'the policy ./x.ts is not shaped like a policy: its export is function, not an object',
  ],
  [
    'without a name',
    "export const policy = { stage: 'transform' };",
    'the policy ./x.ts is not shaped like a policy: `name` must be a text',
  ],
  [
    'with an unknown stage',
    "export const policy = { name: 'x', stage: 'access' };",
    'the policy ./x.ts is not shaped like a policy: `stage` is "access", not one of admission, throttling, authentication, authorization, quota, validation, cache, transform',
  ],
  [
    'without a schema',
    "export const policy = { name: 'x', stage: 'cache', create() {} };",
    'the policy ./x.ts is not shaped like a policy: `schema` must be a zod schema, such as z.strictObject({})',
  ],
  [
    'without create',
    "import { z } from 'portcullis/policy'; export const policy = { name: 'x', stage: 'cache', schema: z.any() };",
    'the policy ./x.ts is not shaped like a policy: `create` must be a function',
  ],
  [
    'with a check that is none',
    "import { z } from 'portcullis/policy'; export const policy = { name: 'x', stage: 'cache', schema: z.any(), create() {}, check: true };",
    'the policy ./x.ts is not shaped like a policy: `check` must be a function',
  ],
  [
    'with a syntax error',
    'export const policy = {\n  name: = 1,\n};',
    /^the policy \.\/x\.ts cannot be loaded: .+ \(.*\/x\.ts:2\)$/,
  ],
  [
    'with an enum, which is more than types',
    'enum A { B }\nexport const policy = A;',
    /^the policy \.\/x\.ts cannot be loaded: TypeScript enum is not supported in strip-only mode \(.*\/x\.ts:1\)$/,
  ],
  [
    'that throws',
    "\nthrow new Error('no database');\nexport const policy = 1;",
    /^the policy \.\/x\.ts cannot be loaded: no database \(.*\/x\.ts:2\)$/,
  ],
  [
    'that imports a missing file',
    "import { a } from './none.ts';\nexport const policy = a;",
    /^the policy \.\/x\.ts cannot be loaded: Cannot find module '.*\/none\.ts' imported from .*\/x\.ts$/,
  ],
  [
    'that imports what a file does not export',
    "import { nothing } from 'portcullis/policy';\nexport const policy = nothing;",
    /^the policy \.\/x\.ts cannot be loaded: The requested module 'portcullis\/policy' does not provide an export named 'nothing' \(.*\/x\.ts:1\)$/,
  ],
];

for (const [at, [title, source, message]] of REFUSED.entries()) {
  test(`a module ${title} is refused`, async () => {
    await write('x.ts', source);
    await assert.rejects(load('x.ts', `refused-${at}`), { message });
  });
}

test('a file that is not there is refused', async () => {
  await assert.rejects(load('absent.ts'), {
    message: /^the policy \.\/absent\.ts cannot be loaded: Cannot find module/,
  });
});
