import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldNames } from '../http/field-names.ts';
import { Fields } from '../http/fields.ts';
import { Identity } from '../identity/identity.ts';
import { NO_IDENTITY } from '../identity/identity-data.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { AddressLists } from '../policies/address-lists.ts';
import { Plans } from '../policies/plan/plans.ts';
import { NO_PLANS } from '../policies/plan/plans-schema.ts';
import type { PolicyUse } from '../policies/use.ts';
import { Limiters } from '../state/limiters.ts';
import { QuotaTable } from '../state/quota/quota-table.ts';
import { Quotas } from '../state/quota/quotas.ts';
import { SharedQuotas } from '../state/quota/shared-quotas.ts';
import { LocalRecords } from '../state/records/memory/local-records.ts';
import { RecordTable } from '../state/records/memory/record-table.ts';
import { RecordStores } from '../state/records/record-stores.ts';
import { LimitTable } from '../state/shared/limit-table.ts';
import { SharedLimiter } from '../state/shared/shared-limiter.ts';
import { TargetDirectory } from '../upstream/directory.ts';
import { serviceSchema } from '../upstream/schema.ts';
import { BodyMemory } from './body-memory.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { GatewayConfig, ResolvedRoute } from './config.ts';
import { compileSnapshot, type Snapshot, type SnapshotContext } from './snapshot.ts';

/** A policy that says in its options' list when it is made and closed; `fails` lets it not be made. */
const MODULE = `data:text/javascript,${encodeURIComponent(`
  const schema = { safeParse: (data) => ({ success: true, data }), safeParseAsync: async (data) => ({ success: true, data }) };
  export const policy = {
    name: 'telling', stage: 'transform', schema,
    create({ says, id, fails }, { route }) {
      if (fails) throw new Error('it was told to fail');
      says.push('made ' + id + ' of ' + (route || 'no route'));
      return { close: () => void says.push('closed ' + id + ' of ' + (route || 'no route')) };
    },
  };
`)}`;

function stage() {
  const says: string[] = [];
  const warnings: string[] = [];
  const context: SnapshotContext = {
    deadlines: new Deadlines(),
    names: new FieldNames(),
    warn: (message) => warnings.push(message),
    bodyMemory: new BodyMemory(),
    policyEvent: () => {},
    load: () => ({ measuredAtMs: 0, eventLoopDelayMs: 0, memoryShare: 0 }),
    addressLists: new AddressLists(),
    limiters: new Limiters(
      new SharedLimiter(LimitTable.allocate({ keys: 1000, workers: 1 }), 0),
      undefined,
      () => {},
    ),
    plans: new Plans(
      NO_PLANS,
      new Quotas(new SharedQuotas(new QuotaTable(QuotaTable.allocate(100), 1)), undefined, () => {}),
    ),
    identity: new Identity(NO_IDENTITY, { log: () => {}, nowMs: Date.now, records: NO_RECORDS }),
    retries: { pauses: new Deadlines(() => 0), random: () => 0 },
    workerId: 0,
    directory: new TargetDirectory(),
    observer: () => ({ connectionOpened() {}, connectionClosed() {}, breakerChanged() {}, ejected() {} }),
    recorder: async () => ({ record: () => {}, close: async () => {} }) as never,
  };
  const policy = (id: string, fails = false): PolicyUse => ({
    name: './telling.js',
    module: MODULE,
    options: { says, id, fails },
  });
  return {
    warnings,
    policy,
    compile: async (config: Partial<GatewayConfig>, before?: Snapshot, plans = context.plans) =>
      compileSnapshot({ ...EMPTY, ...config }, before, { ...context, plans }),
    otherPlans: new Plans(NO_PLANS, context.plans.counting),
    /** What was said since it was asked last. */
    said: () => says.splice(0),
  };
}

const NO_RECORDS = new RecordStores(
  () => new LocalRecords(new RecordTable({ maxBytes: 1_000_000, nowMs: Date.now })),
  () => {},
);

const EMPTY = { services: {}, routes: {}, policies: [], observability: {} } as unknown as GatewayConfig;

function route(
  path: string,
  policies: readonly PolicyUse[] = [],
  others: Partial<ResolvedRoute> = {},
): ResolvedRoute {
  const respond = { status: 200, headers: {}, body: '' };
  return { match: { paths: [path] }, priority: 0, policies, timeout: 0, respond, ...others };
}

function service(port: number): GatewayConfig['services'][string] {
  const { url: _url, ...settings } = serviceSchema.parse({ targets: [{ url: `http://127.0.0.1:${port}` }] });
  return { ...settings, targets: settings.targets ?? [] };
}

function entryOf(snapshot: Snapshot, path: string) {
  const request = {
    method: 'GET',
    scheme: 'http' as const,
    host: 'h',
    path,
    search: '',
    fields: new Fields(),
  };
  return snapshot.router.match(request, []);
}

function found(snapshot: Snapshot, path: string): CompiledRoute | undefined {
  return entryOf(snapshot, path)?.value;
}

describe('The policies of a route that a reload leaves alone', () => {
  it('are the same, and closed once, when the last snapshot is done', async () => {
    const { compile, policy, said } = stage();
    const routes = { a: route('/a', [policy('1')]), b: route('/b', [policy('2')]) };
    const { snapshot: first } = await compile({ routes });
    assert.deepEqual(said(), ['made 1 of a', 'made 2 of b']);
    const { snapshot: second } = await compile({ routes: copyOf(routes) as typeof routes }, first);
    assert.equal(found(second, '/a'), found(first, '/a'));
    first.retire();
    assert.deepEqual(said(), []);
    second.retire();
    second.retire();
    assert.deepEqual(said(), ['closed 1 of a', 'closed 2 of b']);
  });

  for (const [what, others] of [
    ['another timeout', { timeout: 5 }],
    ['another path', { match: { paths: ['/a', '/c'] } }],
    ['another answer', { respond: { status: 404, headers: {}, body: '' } }],
  ] as const) {
    it(`keep their state where the route has ${what}`, async () => {
      const { compile, policy, said } = stage();
      const { snapshot: first } = await compile({ routes: { a: route('/a', [policy('1')]) } });
      const changed = route('/a', [policy('1')], others as Partial<ResolvedRoute>);
      const { snapshot: second } = await compile({ routes: { a: changed } }, first);
      assert.notEqual(found(second, '/a'), found(first, '/a'));
      assert.equal(found(second, '/a')?.policies, found(first, '/a')?.policies);
      first.retire();
      assert.deepEqual(said(), ['made 1 of a']);
    });
  }

  it('keep their state where the service is another', async () => {
    const { compile, policy, said } = stage();
    const routes = { a: route('/a', [policy('1')], { respond: undefined, service: 's' }) };
    const { snapshot: first } = await compile({ routes, services: { s: service(9001) } });
    const { snapshot: same, made: none } = await compile({ routes, services: { s: service(9001) } }, first);
    assert.deepEqual([found(same, '/a'), none], [found(first, '/a'), []]);
    const { snapshot: second, made } = await compile({ routes, services: { s: service(9002) } }, same);
    const action = found(second, '/a')?.action;
    assert.equal(action?.kind === 'service' && action.service, made[0]);
    for (const each of [first, same, second]) each.retire();
    assert.deepEqual(said(), ['made 1 of a', 'closed 1 of a']);
  });
});

describe('The policies of a route that a reload changes', () => {
  it('are made anew where the route belongs to another organization: they know other consumers', async () => {
    const { compile, policy, said } = stage();
    const { snapshot: first } = await compile({ routes: { a: route('/a', [policy('1')]) } });
    const moved = route('/a', [policy('1')], { organization: 'acme' });
    const { snapshot: second } = await compile({ routes: { a: moved } }, first);
    for (const each of [first, second]) each.retire();
    assert.deepEqual(said(), ['made 1 of a', 'made 1 of a', 'closed 1 of a', 'closed 1 of a']);
  });

  it('are made anew, and the old ones closed after the last request that began with them', async () => {
    const { compile, policy, said } = stage();
    const { snapshot: first } = await compile({ routes: { a: route('/a', [policy('1')]) } });
    const { snapshot: second } = await compile({ routes: { a: route('/a', [policy('2')]) } }, first);
    assert.deepEqual(said(), ['made 1 of a', 'made 2 of a']);
    first.enter();
    first.enter();
    first.retire();
    first.leave();
    assert.deepEqual(said(), []);
    first.leave();
    assert.deepEqual(said(), ['closed 1 of a']);
    second.retire();
    assert.deepEqual(said(), ['closed 2 of a']);
  });

  it('are made anew where they apply plans that changed, and nowhere else', async () => {
    const { compile, otherPlans, policy, said } = stage();
    const plan = { name: 'plan', options: {} };
    const routes = { a: route('/a', [policy('1')]), b: route('/b', [policy('2'), plan]) };
    const { snapshot: first } = await compile({ routes });
    said();
    const { snapshot: second } = await compile({ routes }, first, otherPlans);
    assert.deepEqual(said(), ['made 2 of b']);
    first.retire();
    const global = { routes: { a: route('/a', [policy('1')]) }, policies: [plan] };
    const { snapshot: third } = await compile(global, second, otherPlans);
    said();
    const { snapshot: last } = await compile(global, third);
    assert.deepEqual(said(), ['made 1 of a']);
    for (const each of [second, third, last]) each.retire();
  });

  it('are closed when the route is gone, and made anew when it comes back', async () => {
    const { compile, policy, said } = stage();
    const routes = { a: route('/a', [policy('1')]) };
    const { snapshot: first } = await compile({ routes });
    const { snapshot: second } = await compile({}, first);
    first.retire();
    assert.deepEqual(said(), ['made 1 of a', 'closed 1 of a']);
    await compile({ routes }, second);
    assert.deepEqual(said(), ['made 1 of a']);
  });

  it('are all of them where a global policy changes, also for requests without a route', async () => {
    const { compile, policy, said } = stage();
    const routes = { a: route('/a', [policy('own')]) };
    const { snapshot: first } = await compile({ routes, policies: [policy('all')] });
    assert.deepEqual(said(), ['made all of no route', 'made all of a', 'made own of a']);
    const { snapshot: same } = await compile({ routes, policies: [policy('all')] }, first);
    assert.deepEqual(said(), []);
    assert.equal(same.unrouted, first.unrouted);
    first.retire();
    await compile({ routes, policies: [policy('other')] }, same);
    assert.deepEqual(said(), ['made other of no route', 'made other of a', 'made own of a']);
    same.retire();
    assert.deepEqual(said(), ['closed all of no route', 'closed own of a', 'closed all of a']);
  });
});

describe('A snapshot that is given up', () => {
  it('closes what only it has', async () => {
    const { compile, policy, said } = stage();
    const kept = { a: route('/a', [policy('1')]) };
    const { snapshot: running } = await compile({ routes: kept });
    const { snapshot: refused } = await compile(
      { routes: { ...kept, b: route('/b', [policy('2')]) } },
      running,
    );
    said();
    refused.retire();
    assert.deepEqual(said(), ['closed 2 of b']);
    const { snapshot: next } = await compile({ routes: kept }, running);
    running.retire();
    assert.deepEqual(said(), []);
    next.retire();
    assert.deepEqual(said(), ['closed 1 of a']);
  });

  for (const [what, broken, message] of [
    [
      'a policy cannot be made',
      { policies: 'fails' },
      'the policy ./telling.js cannot be made: it was told to fail',
    ],
    ['a service is missing', { service: 'none', respond: undefined }, 'the service none does not exist'],
    ['a path is bad', { match: { paths: ['/a*b'] } }, /^route c: \/a\*b: \* may only stand at the end/],
  ] as const) {
    it(`leaves the running one as it is, where ${what}`, async () => {
      const { compile, policy, said } = stage();
      const kept = { a: route('/a', [policy('1')]) };
      const { snapshot: running } = await compile({ routes: kept });
      said();
      const { policies, ...others } = broken as { policies?: string };
      const bad = route('/c', [policy('3', policies !== undefined)], others);
      const routes = { ...kept, b: route('/b', [policy('2')]), c: bad };
      await assert.rejects(compile({ routes }, running), { message });
      const own = policies === undefined ? ['made 3 of c'] : [];
      const closed = policies === undefined ? ['closed 3 of c'] : [];
      assert.deepEqual(said().sort(), [...own, ...closed, 'made 2 of b', 'closed 2 of b'].sort());
      running.retire();
      assert.deepEqual(said(), ['closed 1 of a']);
    });
  }

  it('names the service that cannot be made', async () => {
    const { compile } = stage();
    const tls = { verify: true, cert: 'no certificate', key: 'no key' };
    const services = { fine: service(9001), broken: { ...service(9002), tls } };
    await assert.rejects(compile({ services }), { message: /^service broken: .*PEM/ });
  });

  it('was closed itself: nothing of it is taken over', async () => {
    const { compile, policy, said } = stage();
    const routes = { a: route('/a', [policy('1')]) };
    const { snapshot: first } = await compile({ routes });
    first.retire();
    const { snapshot: second } = await compile({ routes }, first);
    assert.deepEqual(said(), ['made 1 of a', 'closed 1 of a', 'made 1 of a']);
    assert.notEqual(found(second, '/a'), found(first, '/a'));
  });
});

describe('A route that is taken over', () => {
  it('is found among new ones by precedence, with the captures that its rewriting was compiled for', async () => {
    const { compile } = stage();
    const kept = route('/a/*');
    const { snapshot: first } = await compile({ routes: { kept } });
    const routes = { before: route('/*'), kept, exact: route('/a/b'), after: route('/a/{x}') };
    const { snapshot: second } = await compile({ routes }, first);
    const names = ['/a/c/d', '/a/b', '/a/c', '/z'].map((path) => found(second, path)?.name);
    assert.deepEqual(names, ['kept', 'exact', 'after', 'before']);
    assert.equal(entryOf(second, '/a/c/d'), entryOf(first, '/a/c/d'));
  });

  it('keeps no more of the services of its time than it sends to', async () => {
    const { compile } = stage();
    const split = [{ service: 's', weight: 1 }];
    const services = { s: service(9001), t: service(9002) };
    const { snapshot } = await compile({
      services,
      routes: { a: route('/a', [], { respond: undefined, split }) },
    });
    const action = found(snapshot, '/a')?.action;
    assert.deepEqual(action?.kind === 'split' && [...action.services.keys()], ['s']);
  });

  it('costs little: 10,000 of them in a moment', async (t) => {
    const { compile } = stage();
    const routes = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`r${i}`, route(`/r${i}/*`)]));
    const took: number[] = [];
    let before: Snapshot | undefined;
    for (let generation = 0; generation < 4; generation++) {
      const begun = performance.now();
      ({ snapshot: before } = await compile({ routes: { ...routes, g: route(`/g${generation}`) } }, before));
      took.push(performance.now() - begun);
    }
    t.diagnostic(`compiled in ${took.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
    assert.ok(Math.max(...took) < 5000);
  });
});

/** Other objects that say the same, as they come to a worker; but for the list that the policies of this test speak to. */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, key === 'says' ? entry : copyOf(entry)]),
  );
}
