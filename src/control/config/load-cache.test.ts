import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { builtinCatalog, type PolicyCatalog } from './catalog.ts';
import { type LoadOptions, type LoadResult, loadConfig } from './load.ts';
import { LoadCache } from './load-cache.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-load-cache-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const FILE = join(directory, 'portcullis.json');
const NOW = Date.parse('2030-01-01T00:00:00Z');

/** All that a load says, comparable; with the places of its routes, and its data to the order of the keys. */
function told(result: LoadResult): unknown {
  if (!result.ok) return result;
  const { positionOf, dataPlane, ...config } = result.config;
  const names = Object.keys(dataPlane.routes);
  const places = names.map((name) => positionOf(['routes', name]));
  return { ok: true, config, dataPlane: JSON.stringify(dataPlane), places, warnings: result.warnings };
}

/** A configuration and the world around it, as edits change them. */
interface World {
  readonly config: Record<string, unknown> & { readonly routes: Record<string, unknown> };
  readonly env: Record<string, string>;
  catalog: PolicyCatalog | undefined;
}

function world(): World {
  return {
    config: {
      lists: { office: { addresses: ['192.0.2.0/24'] }, blocked: { file: './blocked.txt' } },
      services: { one: { url: 'http://127.0.0.1:9001' }, two: { url: 'http://127.0.0.1:9002' } },
      routes: {
        a: { match: { paths: ['/a/*'] }, service: 'one' },
        b: { match: { paths: ['/b/*'] }, service: 'two', rewrite: { path: '/x/*' } },
        c: { match: { paths: ['/c'] }, respond: { body: 'c' }, policies: [{ './own.ts': { limit: 1 } }] },
        d: { match: { paths: ['/{id}/d'] }, service: 'one', policies: POLICIES[3] },
        // Tells of a tie without its priority, and of the route that it hides.
        e: { match: { paths: ['/{key}/d'] }, service: 'two', priority: 1, policies: POLICIES[1] },
        f: { match: { paths: ['/f'] }, service: 'two', policies: POLICIES[0] },
      },
    },
    env: { TOKEN: 'first-token' },
    catalog: undefined,
  };
}

const NAMES = ['a', 'b', 'c', 'd', 'e', '7'];
const PATHS = ['/a/*', '/b/*', '/c', '/{id}/d', '/*', 'no-path', '/a/../b', '/a'];
const POLICIES: readonly unknown[] = [
  [{ 'ip-filter': { allow: [{ list: 'office' }], deny: [{ list: 'blocked' }] } }],
  [{ headers: { request: { set: { 'x-a': '1' } } } }],
  [{ headers: { request: { set: { 'x-b': '1', 'x-a': '2' } } } }, { 'request-size': { max: '1mb' } }],
  [{ headers: { request: { set: { authorization: 'env:TOKEN' } } } }],
  [{ headers: { request: { set: { authorization: 'file:token.txt' } } } }],
  [{ './own.ts': { limit: 1 } }],
  [{ './own.ts': { limit: 'x' } }],
  [{ 'request-size': { max: 'much' } }],
  [{ 'no-such-policy': {} }],
  [{ headers: {}, cors: {} }],
  'headers',
  [],
];
/** What a user's own policy may say at one time and another. */
const MODULES = ['z.strictObject({ limit: z.number() })', 'z.strictObject({})', 'z.any()', 'z.nothing()'].map(
  (schema) =>
    `import { z } from ${JSON.stringify(import.meta.resolve('zod'))};\nexport const policy = { name: 'own', stage: 'transform', schema: ${schema}, create: () => ({}) };\n`,
);

type Edit = (world: World) => void;

const name = fc.constantFrom(...NAMES);
const routeEdit = (change: (route: Record<string, unknown>) => void): fc.Arbitrary<Edit> =>
  name.map((at) => ({ config }) => {
    const route = (config.routes[at] ??= { match: { paths: [`/new-${at}`] }, service: 'one' });
    change(route as Record<string, unknown>);
  });
const setting = (key: string, values: readonly unknown[]): fc.Arbitrary<Edit> =>
  fc.constantFrom(...values).chain((value) => routeEdit((route) => void (route[key] = value)));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: setting('policies', POLICIES) },
  { weight: 3, arbitrary: fc.constantFrom(...PATHS).chain((path) => setting('match', [{ paths: [path] }])) },
  { weight: 2, arbitrary: setting('service', ['one', 'two', 'three', 5, undefined]) },
  setting('respond', [{ body: 'x' }, undefined]),
  setting('split', [[{ service: 'two', weight: 1 }], [{ service: 'one', weight: 0 }], undefined]),
  setting('rewrite', [{ path: '/y/*' }, { path: '/{id}' }, undefined]),
  setting('timeout', ['1s', '2', undefined]),
  setting('priority', [1, 0, undefined]),
  setting('unknown', [1, undefined, undefined]),
  name.map(
    (at): Edit =>
      ({ config }) =>
        void delete config.routes[at],
  ),
  fc.constantFrom('e2', 'e3').map(
    (to): Edit =>
      ({ config }) => {
        const [last] = Object.keys(config.routes).slice(-1);
        if (last === undefined || to in config.routes) return;
        config.routes[to] = config.routes[last];
        delete config.routes[last];
      },
  ),
  // To the end of the file.
  name.map(
    (at): Edit =>
      ({ config }) => {
        const route = config.routes[at];
        delete config.routes[at];
        if (route !== undefined) config.routes[at] = route;
      },
  ),
  fc.constantFrom(...POLICIES).map(
    (policies): Edit =>
      ({ config }) =>
        void (config['policies'] = policies),
  ),
  fc.constantFrom('one', 'two', 'three').map(
    (service): Edit =>
      ({ config }) => {
        const services = config['services'] as Record<string, unknown>;
        if (service in services) delete services[service];
        else services[service] = { url: 'http://127.0.0.1:9003' };
      },
  ),
  fc.constantFrom('second-token', 'third-token', '').map(
    (token): Edit =>
      ({ env }) =>
        void (env['TOKEN'] = token),
  ),
  fc.constantFrom('t1\n', 't2\n', '').map(
    (token): Edit =>
      () =>
        writeFileSync(join(directory, 'token.txt'), token),
  ),
  fc.constantFrom('198.51.100.7 # one\n', '# none\n', '192.0.2.0/24\n', '10.0.0.1/8\n').map(
    (text): Edit =>
      () =>
        writeFileSync(join(directory, 'blocked.txt'), text),
  ),
  fc.constantFrom('office', 'blocked', 'third').map(
    (list): Edit =>
      ({ config }) => {
        const lists = config['lists'] as Record<string, unknown>;
        if (list in lists) delete lists[list];
        else lists[list] = { addresses: ['203.0.113.0/24'] };
      },
  ),
  fc.constantFrom(...MODULES).map(
    (text): Edit =>
      () =>
        writeFileSync(join(directory, 'own.ts'), text),
  ),
  fc.constant<Edit>((w) => void (w.catalog = w.catalog === undefined ? NO_HEADERS : undefined)),
  // Back to what is right, after edits that were not.
  { weight: 2, arbitrary: fc.constant<Edit>(({ config }) => void Object.assign(config, world().config)) },
  fc.constant<Edit>(() => {}),
);

/** Other policies to choose from. */
const NO_HEADERS: PolicyCatalog = {
  names: () =>
    builtinCatalog()
      .names()
      .filter((each) => each !== 'headers'),
  looksAround: (each) => builtinCatalog().looksAround(each),
  validate: (use, lists) => builtinCatalog().validate(use, lists),
};

describe('A load that knows the one before', () => {
  it('says the same as one that knows nothing, whatever was edited', async () => {
    let good = 0;
    let knownRoutes = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(edit, { minLength: 1, maxLength: 2 }), { maxLength: 12 }),
        async (loads) => {
          writeFileSync(join(directory, 'token.txt'), 't0\n');
          writeFileSync(join(directory, 'blocked.txt'), '');
          writeFileSync(join(directory, 'own.ts'), MODULES[0] as string);
          const cache = new LoadCache();
          const now = world();
          for (const edits of [[], ...loads]) {
            for (const each of edits) each(now);
            const options: LoadOptions = {
              text: JSON.stringify(now.config),
              env: now.env,
              nowMs: NOW,
              policies: now.catalog,
            };
            const fresh = await loadConfig(FILE, options);
            const { config } = now;
            knownRoutes += cache.lookAt(JSON.parse(JSON.stringify(config)), now.catalog).known.size;
            assert.deepEqual(told(await loadConfig(FILE, { ...options, cache })), told(fresh));
            if (fresh.ok) good++;
          }
        },
      ),
      { numRuns: 60 },
    );
    assert.ok(
      good > 50 && knownRoutes > 100,
      `${good} good loads, ${knownRoutes} known routes: too few to tell`,
    );
  });

  it('gives routes that are the same as the same objects, and a secret or a module that changed makes others of them', async () => {
    writeFileSync(join(directory, 'own.ts'), MODULES[0] as string);
    writeFileSync(join(directory, 'blocked.txt'), '');
    const cache = new LoadCache();
    const now = world();
    const load = async () => {
      const text = JSON.stringify(now.config);
      const result = await loadConfig(FILE, { text, env: now.env, nowMs: NOW, cache });
      assert.ok(result.ok);
      return result.config.dataPlane.routes;
    };
    const first = await load();
    const same = (routes: typeof first) => Object.keys(routes).filter((each) => routes[each] === first[each]);
    now.config['services'] = {
      ...(now.config['services'] as object),
      three: { url: 'http://127.0.0.1:9003' },
    };
    assert.deepEqual(same(await load()), ['a', 'b', 'c', 'd', 'e', 'f']);
    now.env['TOKEN'] = 'another-token';
    assert.deepEqual(same(await load()), ['a', 'b', 'c', 'e', 'f']);
    writeFileSync(join(directory, 'blocked.txt'), '198.51.100.7\n');
    assert.deepEqual(same(await load()), ['a', 'b', 'c', 'e', 'f']);
    writeFileSync(join(directory, 'own.ts'), `${MODULES[0]}// changed\n`);
    assert.deepEqual(same(await load()), ['a', 'b', 'e', 'f']);
    now.config.routes['b'] = { match: { paths: ['/b/*'] }, service: 'one' };
    assert.deepEqual(same(await load()), ['a', 'e', 'f']);
  });

  it('takes a part of the time for 10,000 routes of which one changed', async (t) => {
    const routes: Record<string, unknown> = {};
    for (let i = 0; i < 10_000; i++) {
      routes[`route-${i}`] = {
        match: { paths: [`/api/v${i}/items/{id}`] },
        policies: [{ headers: { request: { set: { 'x-route': `r${i}` } } } }],
        service: 'one',
      };
    }
    const cache = new LoadCache();
    const took: number[] = [];
    for (let generation = 0; generation < 4; generation++) {
      const respond = { body: `${generation}` };
      const text = JSON.stringify({
        services: { one: { url: 'http://127.0.0.1:9001' } },
        routes: { ...routes, changing: { match: { paths: ['/g'] }, respond } },
      });
      const begun = process.cpuUsage();
      const result = await loadConfig(FILE, { text, env: {}, cache });
      const { user, system } = process.cpuUsage(begun);
      took.push((user + system) / 1000);
      assert.ok(result.ok);
    }
    t.diagnostic(`CPU time of each load: ${took.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
    const [first = 0, ...others] = took;
    assert.ok(Math.min(...others) < first, `${Math.min(...others)} ms, the first ${first} ms`);
  });
});
