import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { exchangeFor, runPolicies, throughTransform } from '../../test/support/exchange.ts';
import { buildTable, sortRanges } from '../lib/address-table.ts';
import { type Cidr, parseCidr } from '../lib/cidr.ts';
import { AddressLists } from './address-lists.ts';
import { compilePolicies, type RouteContext, validatePolicyUse } from './compile.ts';
import type { PolicyUse } from './use.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-compile-'));
});

after(() => rm(folder, { recursive: true }));

let files = 0;

/** A use of a policy whose source is this; its events go to `options.log`. */
async function own(name: string, source: string, options: unknown = {}): Promise<PolicyUse> {
  const file = join(folder, `${++files}.ts`);
  await writeFile(file, `import { definePolicy, z } from 'portcullis/policy';\n${source}`);
  return { name, module: `${pathToFileURL(file).href}?v=1`, options };
}

const LOGGING = (stage: string) => `
export const policy = definePolicy({
  name: 'logging',
  stage: '${stage}',
  schema: z.strictObject({ name: z.string(), log: z.any() }),
  create: ({ name, log }) => ({
    onRequest: () => { log.push(name + ' onRequest'); },
    onAttempt: () => { log.push(name + ' onAttempt'); },
    onUpstreamResponse: () => { log.push(name + ' onUpstreamResponse'); },
    onResponse: () => { log.push(name + ' onResponse'); },
    onEnd: () => { log.push(name + ' onEnd'); },
    close: () => { log.push(name + ' close'); },
  }),
});`;

const withHooks = (hooks: string) => `
export const policy = definePolicy({
  name: 'hooks', stage: 'transform', schema: z.strictObject({}), create: () => (${hooks}),
});`;

const warnings: string[] = [];
const events: string[] = [];
const context: RouteContext = {
  route: 'r',
  warn: (message) => warnings.push(message),
  policyEvent: (policy, event) => events.push(`${policy} ${event}`),
};

test('a policy is given the lists that it asks for, and is not made where one is not there', async () => {
  const asking = `
export const policy = definePolicy({
  name: 'asking', stage: 'admission', schema: z.strictObject({ list: z.string() }),
  create({ list }, context) {
    const { addresses } = context.addressList(list);
    return { onRequest: ({ client }) => ({ status: addresses.has(client.address) ? 200 : 403 }) };
  },
});`;
  const table = buildTable(sortRanges([parseCidr('192.0.2.0/24') as Cidr]));
  const addressLists = new AddressLists({ office: { kind: 'addresses', digest: '', table } });
  const compiled = await compilePolicies([await own('asking', asking, { list: 'office' })], {
    ...context,
    addressLists,
  });
  assert.deepEqual(await runPolicies(compiled, exchangeFor({ clientAddress: '192.0.2.1' })), { status: 200 });
  assert.deepEqual(await runPolicies(compiled, exchangeFor({ clientAddress: '192.0.3.1' })), { status: 403 });
  assert.deepEqual(await validatePolicyUse(await own('asking', asking, { list: 'home' }), addressLists), [
    { path: [], message: 'the policy asking cannot be made: there is no list "home"' },
  ]);
});

test('a policy counts under its own name', async () => {
  const counting = `
export const policy = definePolicy({
  name: 'c', stage: 'quota', schema: z.strictObject({}), create: (_, context) => (context.count('made'), {}),
});`;
  await compilePolicies([await own('counting', counting)], context);
  assert.deepEqual(events.splice(0), ['counting made']);
});

test('policies run by stage, then as they are written; on the way back in reverse', async () => {
  const log: string[] = [];
  const policies = await compilePolicies(
    [
      await own('late', LOGGING('transform'), { name: 'late', log }),
      await own('first', LOGGING('admission'), { name: 'first', log }),
      await own('second', LOGGING('admission'), { name: 'second', log }),
    ],
    context,
  );
  assert.deepEqual(
    policies.all.map(({ name, stage }) => `${stage} ${name}`),
    ['admission first', 'admission second', 'transform late'],
  );
  await runPolicies(policies, exchangeFor());
  policies.close();
  assert.deepEqual(log, [
    'first onRequest',
    'second onRequest',
    'late onRequest',
    'first onAttempt',
    'second onAttempt',
    'late onAttempt',
    'late onUpstreamResponse',
    'second onUpstreamResponse',
    'first onUpstreamResponse',
    'late onResponse',
    'second onResponse',
    'first onResponse',
    'late onEnd',
    'second onEnd',
    'first onEnd',
    'late close',
    'second close',
    'first close',
  ]);
});

test('a policy stands only in the arrays of the hooks that it has', async () => {
  const policies = await compilePolicies([{ name: 'request-size', options: { max: '1kb' } }], context);
  const { all, close: _, bodyAt, requestBodyBounds: _r, responseBodyBounds: _a, ...hooks } = policies;
  assert.equal(all.length, 1);
  assert.equal(bodyAt, -1);
  assert.deepEqual(
    Object.entries(hooks).map(([hook, entries]) => [hook, entries.map(({ name }) => name)]),
    [
      ['onRequest', ['request-size']],
      ['onRequestBodyPart', []],
      ['onRequestBody', []],
      ['transformRequestBody', []],
      ['onAttempt', []],
      ['retryWith', []],
      ['onUpstreamResponse', []],
      ['onResponseBody', []],
      ['transformResponseBody', []],
      ['onResponse', []],
      ['onEnd', []],
    ],
  );
});

test('hooks keep their `this`', async () => {
  const source = `
    class Counter { count = 0; onRequest() { this.count++; return { status: 200, body: String(this.count) }; } }
    export const policy = definePolicy({ name: 'c', stage: 'quota', schema: z.strictObject({}), create: () => new Counter() });`;
  const policies = await compilePolicies([await own('./c.ts', source)], context);
  const entry = policies.onRequest[0];
  assert.ok(entry);
  await entry.hooks.onRequest(exchangeFor());
  assert.deepEqual(await entry.hooks.onRequest(exchangeFor()), { status: 200, body: '2' });
});

test('a policy may be made asynchronously', async () => {
  const source = `export const policy = definePolicy({
    name: 'a', stage: 'quota', schema: z.strictObject({}), create: async () => ({ onRequest: () => ({ status: 204 }) }) });`;
  const policies = await compilePolicies([await own('./a.ts', source)], context);
  assert.equal((await runPolicies(policies, exchangeFor()))?.status, 204);
});

test('a user’s policy transforms bodies piece by piece', async () => {
  const source = withHooks(`{
    transformRequestBody: () => ({ chunk: (data) => Buffer.from(data.toString().toUpperCase()) }),
    transformResponseBody: (exchange) => exchange.response.status === 200
      ? { chunk: (data) => data, end: () => Buffer.from('!') } : undefined,
  }`);
  const policies = await compilePolicies([await own('./t.ts', source)], context);
  const exchange = exchangeFor({ method: 'POST' });
  const request = policies.transformRequestBody[0]?.hooks.transformRequestBody(exchange);
  assert.ok(request);
  assert.equal(throughTransform(request, ['he', 'llo']), 'HELLO');
  const response = policies.transformResponseBody[0]?.hooks;
  exchange.response.status = 200;
  const transform = response?.transformResponseBody(exchange);
  assert.ok(transform);
  assert.equal(throughTransform(transform, ['hel', 'lo']), 'hello!');
  exchange.response.status = 404;
  assert.equal(response?.transformResponseBody(exchange), undefined);
});

test('of a unique policy the last use stays, so that a route’s own replaces the global one', async () => {
  const policies = await compilePolicies(
    [
      { name: 'request-size', options: { max: '1kb' } },
      { name: 'headers', options: { request: { remove: ['a'] } } },
      { name: 'headers', options: { request: { remove: ['b'] } } },
      { name: 'request-size', options: { max: '2kb' } },
    ],
    context,
  );
  assert.deepEqual(
    policies.all.map(({ name }) => name),
    ['request-size', 'headers', 'headers'],
  );
  assert.equal(await runPolicies(policies, exchangeFor({ bodyLength: 2000 })), undefined);
});

test('of a login the global policies that ask who calls do not hold, and the others and its own do', async () => {
  const [basic, deny, size] = [
    { name: 'basic', options: {} },
    { name: 'authorize', options: { default: 'deny' } },
    { name: 'request-size', options: { max: '1kb' } },
  ];
  const globals = [basic, deny, size];
  const names = async (uses: readonly { name: string; options: object }[], isLogin: boolean) =>
    (await compilePolicies([...globals, ...uses], { ...context, globals, isLogin })).all.map(
      ({ name }) => name,
    );
  assert.deepEqual(await names([], false), ['request-size', 'basic', 'authorize']);
  assert.deepEqual(await names([], true), ['request-size']);
  assert.deepEqual(await names([{ name: 'mtls', options: {} }], true), ['request-size', 'mtls']);
});

test('when making one fails, those already made are closed', async () => {
  const log: string[] = [];
  const failing = `export const policy = definePolicy({
    name: 'f', stage: 'transform', schema: z.strictObject({}), create: () => { throw new Error('no key'); } });`;
  await assert.rejects(
    compilePolicies(
      [
        await own('made', LOGGING('quota'), { name: 'made', log }),
        await own('./failing.ts', failing),
        await own('never', LOGGING('transform'), { name: 'never', log }),
      ],
      context,
    ),
    { message: 'the policy ./failing.ts cannot be made: no key' },
  );
  assert.deepEqual(log, ['made close']);
});

test('a policy that fails to close is told of, and the others are closed all the same', async () => {
  const log: string[] = [];
  const policies = await compilePolicies(
    [
      await own('good', LOGGING('admission'), { name: 'good', log }),
      await own('./bad.ts', withHooks(`{ close() { throw new Error('stuck'); } }`)),
    ],
    context,
  );
  policies.close();
  assert.deepEqual([log, warnings.splice(0)], [['good close'], ['the policy ./bad.ts failed to close']]);
});

test('wrong options are refused with their place', async () => {
  await assert.rejects(
    compilePolicies([{ name: 'request-size', options: { max: '1tb', min: '1kb' } }], context),
    {
      message:
        'the options of the policy request-size are wrong: max: is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb; min: is not a known option: the options are max',
    },
  );
});

const WRONG_HOOKS: readonly (readonly [title: string, hooks: string, message: string])[] = [
  ['that are no object', '7', 'create did not return an object with hooks'],
  ['with a misspelt hook', '{ onRequset() {} }', 'there is no hook onRequset: did you mean onRequest?'],
  ['with a hook that is no function', '{ onEnd: 1 }', 'the hook onEnd is not a function'],
  [
    'with an async hook that nobody waits for',
    '{ async onResponse() {} }',
    'the hook onResponse is async, but nothing waits for it: only onRequest, retryWith and onUpstreamResponse may be',
  ],
];

for (const [title, hooks, message] of WRONG_HOOKS) {
  test(`hooks ${title} are refused`, async () => {
    const use = await own('./wrong.ts', withHooks(hooks));
    assert.deepEqual(await validatePolicyUse(use), [
      { path: [], message: `the policy ./wrong.ts cannot be made: ${message}` },
    ]);
  });
}

const PROBLEMS: readonly (readonly [
  use: PolicyUse,
  problems: readonly (readonly [path: string, message: string])[],
])[] = [
  [{ name: 'headers', options: { request: { set: { a: 'b' } } } }, []],
  [{ name: 'corse', options: {} }, [['', 'there is no policy "corse": did you mean cors?']]],
  [
    { name: 'headers', options: {} },
    [
      [
        '',
        'the policy headers cannot be made: there is nothing to do: neither `request` nor `response` changes a field',
      ],
    ],
  ],
  [
    { name: 'headers', options: { response: { sett: {}, add: { a: ['x', '${nope}'] } } } },
    [
      [
        'response.add.a.1',
        'there is no variable nope; the variables are client.address, request.id, request.method, request.scheme, request.host, request.path, route, service, principal.consumer, principal.subject, principal.issuer, principal.method, principal.session, principal.scopes, principal.groups, principal.roles, header.<name>, query.<name>, path.<capture>, claims.<name> (character 1)',
      ],
      ['response.sett', 'is not a known option: did you mean set?'],
    ],
  ],
  [
    { name: 'headers', options: { request: { set: { 'x y': 'b' } } } },
    [['request.set.x y', '"x y" is not a field name']],
  ],
];

for (const [use, problems] of PROBLEMS) {
  test(`checking ${use.name} ${JSON.stringify(use.options)} finds ${problems.length} problems`, async () => {
    const found = await validatePolicyUse(use);
    assert.deepEqual(
      found.map(({ path, message }) => [path.join('.'), message]),
      problems,
    );
  });
}
