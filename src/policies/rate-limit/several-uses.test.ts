import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { exchangeFor, type TestExchange } from '../../../test/support/exchange.ts';
import { openRedis, RedisServer, scriptCallsOf } from '../../../test/support/redis.ts';
import { Limiters } from '../../state/limiters.ts';
import { QuotaTable } from '../../state/quota/quota-table.ts';
import { Quotas } from '../../state/quota/quotas.ts';
import { SharedQuotas } from '../../state/quota/shared-quotas.ts';
import { type RedisConfig, stateSchema } from '../../state/schema.ts';
import { LimitPlay } from '../../state/shared/limiter.support.ts';
import { type CompiledPolicies, compilePolicies } from '../compile.ts';
import { Plans } from '../plan/plans.ts';
import { planSchema } from '../plan/plans-schema.ts';
import type { PolicyUse } from '../use.ts';

/** Of a service, shared by its clients. */
const SHARED = { limits: ['4/h'], key: 'route' };
/** Of each client. */
const OWN = { limits: ['1/h'], key: { header: 'x-client' } };

interface Opened extends CompiledPolicies, Disposable {
  /** What was counted, in order. */
  readonly events: readonly string[];
}

async function openPolicies(
  uses: readonly PolicyUse[],
  settings?: RedisConfig,
  plan?: object,
): Promise<Opened> {
  const events: string[] = [];
  const limiters = new Limiters(new LimitPlay().limiter(), settings, () => {});
  const table = new QuotaTable(QuotaTable.allocate(100), 1);
  const gold = plan === undefined ? [] : [['gold', planSchema.parse(plan)] as const];
  const data = { plans: Object.fromEntries(gold), consumers: {} };
  const plans = new Plans(data, new Quotas(new SharedQuotas(table), settings, () => {}));
  const policyEvent = (_: string, event: string) => void events.push(event);
  const compiled = await compilePolicies(uses, {
    route: 'main',
    warn: () => {},
    policyEvent,
    limiters,
    plans,
  });
  return { ...compiled, events, [Symbol.dispose]: compiled.close };
}

const limit = (options: object): PolicyUse => ({ name: 'rate-limit', options });
const PLAN: PolicyUse = { name: 'plan', options: {} };

function open(uses: readonly object[], settings?: RedisConfig): Promise<Opened> {
  return openPolicies(uses.map(limit), settings);
}

function requestOf(client: string): TestExchange {
  const exchange = exchangeFor({ headers: { 'X-Client': client } });
  exchange.notes.set('consumer', client).set('plan', 'gold');
  return exchange;
}

/** Status of the answer, or 200 where it is let through. */
async function runRequest(policies: CompiledPolicies, exchange: TestExchange): Promise<number> {
  for (const { hooks } of policies.onRequest) {
    const answer = await hooks.onRequest(exchange);
    if (answer !== undefined) return (answer as { status: number }).status;
  }
  return 200;
}

/** A request from beginning to end: its status, and what its answer says is left. */
async function ask(policies: CompiledPolicies, client: string): Promise<unknown[]> {
  const exchange = requestOf(client);
  const status = await runRequest(policies, exchange);
  exchange.response.fields.pushAll(exchange.answerFields);
  for (const { hooks } of policies.onResponse) hooks.onResponse(exchange);
  for (const { hooks } of policies.onEnd) hooks.onEnd(exchange);
  const left = exchange.responseLines
    .filter((line) => line.startsWith('RateLimit:'))
    .flatMap((line) => line.replaceAll(/^RateLimit: |;t=\d+/g, '').split(', '));
  return [status, ...left];
}

async function forEachStore(
  test: (open: (uses: readonly object[]) => Promise<Opened>) => Promise<void>,
): Promise<void> {
  await test((uses) => open(uses));
  const redis = await openRedis();
  try {
    const parsed = stateSchema.parse({ redis: { url: redis.url, prefix: redis.prefix, timeout: '2s' } });
    const settings = parsed.redis ?? assert.fail();
    await test((uses) => open(uses, settings));
  } finally {
    await redis.close();
  }
}

describe('Of several uses on a route', () => {
  it('a client whose own limit refuses uses up nothing of the one that it shares', async () => {
    await forEachStore(async (opened) => {
      using policies = await opened([SHARED, OWN]);
      const statuses = [];
      for (const client of ['greedy', 'greedy', 'greedy', 'greedy', 'greedy', 'b', 'c', 'd', 'e'])
        statuses.push(await ask(policies, client));
      assert.deepEqual(statuses, [
        [200, '"1/h";r=0', '"4/h";r=3'],
        ...Array.from({ length: 4 }, () => [429, '"1/h";r=0', '"4/h";r=3']),
        [200, '"1/h";r=0', '"4/h";r=2'],
        [200, '"1/h";r=0', '"4/h";r=1'],
        [200, '"1/h";r=0', '"4/h";r=0'],
        [429, '"4/h";r=0'],
      ]);
    });
  });

  it('every one before the one that refuses gets back what it gave, the whole cost', async () => {
    await forEachStore(async (opened) => {
      using policies = await opened([{ ...SHARED, limits: ['9/h'], cost: 3 }, SHARED, OWN]);
      const statuses = [];
      for (const client of ['a', 'a', 'a', 'b', 'b', 'c']) statuses.push((await ask(policies, client))[0]);
      assert.deepEqual(statuses, [200, 429, 429, 200, 429, 200]);
      assert.equal((await ask(policies, 'd'))[0], 429, 'nine units are used up');
    });
  });

  it('what the first one refuses takes nothing of the later ones', async () => {
    await forEachStore(async (opened) => {
      using policies = await opened([OWN, SHARED]);
      const statuses = [];
      for (const client of ['a', 'a', 'a', 'b', 'c', 'd', 'e'])
        statuses.push((await ask(policies, client))[0]);
      assert.deepEqual(statuses, [200, 429, 429, 200, 200, 200, 429]);
    });
  });

  it('one that only counts in shadow mode takes nothing back', async () => {
    await forEachStore(async (opened) => {
      using policies = await opened([SHARED, { ...OWN, shadow: true }]);
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await ask(policies, 'a'))[0]);
      assert.deepEqual(statuses, [200, 200, 200, 200, 429]);
    });
  });

  it('a plan gets back what it gave of its rates and quotas', async () => {
    const plan = { limits: ['8/h'], quotas: [{ limit: 7, per: 'month' }] };
    const uses = [PLAN, limit({ limits: ['1/h'], key: 'consumer' })];
    const redis = await openRedis();
    const { redis: settings } = stateSchema.parse({
      redis: { url: redis.url, prefix: redis.prefix, timeout: '2s' },
    });
    // In memory, in Redis in one question, and in Redis and memory, one after the other.
    const inMemory = [PLAN, limit({ limits: ['1/h'], key: 'consumer', store: 'memory' })];
    try {
      for (const [given, used] of [
        [undefined, uses],
        [settings, uses],
        [settings, inMemory],
      ] as const) {
        using policies = await openPolicies(used, given, plan);
        const told = [];
        for (const client of ['a', 'a', 'a']) told.push(await ask(policies, client));
        assert.deepEqual(told, [
          [200, '"1/h";r=0', '"8/h";r=7', '"month";r=6'],
          [429, '"1/h";r=0', '"8/h";r=7', '"month";r=6'],
          [429, '"1/h";r=0', '"8/h";r=7', '"month";r=6'],
        ]);
        await redis.clear();
      }
    } finally {
      await redis.close();
    }
  });

  it('a use alone keeps nothing of a request in memory', async () => {
    using policies = await open([OWN]);
    assert.deepEqual([policies.onEnd.length, policies.onResponse.length], [0, 0]);
  });
});

/** A key that all clients have in common, and one of each. */
const ALL = { key: 'route' };
const EACH = { key: { header: 'x-client' } };

describe('One question to Redis decides about all uses that stand next to each other', () => {
  let server: RedisServer;
  let settings: RedisConfig;
  before(async () => {
    server = await RedisServer.start();
    const { redis } = stateSchema.parse({ redis: { url: server.url, prefix: 'p:', timeout: '2s' } });
    settings = redis ?? assert.fail();
  });
  after(() => server.close());

  /** What comes of requests of one client one after the other, and how many scripts were run for each. */
  async function played(
    uses: readonly PolicyUse[],
    plan: object | undefined,
    requests = 3,
  ): Promise<{ outcomes: unknown[]; calls: number[]; events: readonly string[] }> {
    await server.send('FLUSHALL');
    using policies = await openPolicies(uses, settings, plan);
    const outcomes = [];
    const calls = [];
    let last = await scriptCallsOf(server);
    for (let i = 0; i < requests; i++) {
      outcomes.push(await ask(policies, 'alice'));
      const now = await scriptCallsOf(server);
      calls.push(now - last);
      last = now;
    }
    return { outcomes, calls, events: policies.events };
  }

  for (const [title, uses, plan, outcomes, calls] of [
    [
      'of two, the second of which refuses',
      [limit({ limits: ['9/h'], ...ALL }), limit({ limits: ['1/h'], ...EACH })],
      undefined,
      [
        [200, '"1/h";r=0', '"9/h";r=8'],
        [429, '"1/h";r=0', '"9/h";r=8'],
        [429, '"1/h";r=0', '"9/h";r=8'],
      ],
      [1, 1, 1],
    ],
    [
      'of two, the first of which refuses: the second tells nothing',
      [limit({ limits: ['1/h'], ...EACH }), limit({ limits: ['9/h'], ...ALL })],
      undefined,
      [
        [200, '"9/h";r=8', '"1/h";r=0'],
        [429, '"1/h";r=0'],
        [429, '"1/h";r=0'],
      ],
      [1, 1, 1],
    ],
    [
      'of four with every algorithm',
      [
        limit({ limits: ['9/h'], ...ALL }),
        limit({ limits: ['8/h'], algorithm: 'sliding-window', ...EACH }),
        limit({ limits: [{ concurrency: 1 }], ...ALL }),
        limit({ limits: ['7/h'], cost: 3, ...EACH }),
      ],
      undefined,
      [
        [200, '"7/h";r=4', '"concurrency 1";r=0', '"8/h";r=7', '"9/h";r=8'],
        [200, '"7/h";r=1', '"concurrency 1";r=0', '"8/h";r=6', '"9/h";r=7'],
        [429, '"7/h";r=1', '"concurrency 1";r=1', '"8/h";r=6', '"9/h";r=7'],
      ],
      [1, 1, 1],
    ],
    [
      'of one in shadow mode before another: it refuses nobody, and takes only where it has room',
      [limit({ limits: ['1/h'], shadow: true, ...ALL }), limit({ limits: ['2/h'], ...EACH })],
      undefined,
      [
        [200, '"2/h";r=1'],
        [200, '"2/h";r=0'],
        [429, '"2/h";r=0'],
      ],
      [1, 1, 1],
    ],
    [
      'of a plan with rates and quotas, and what stands before and behind it',
      [
        limit({ limits: ['9/h'], when: 'after-authentication', ...ALL }),
        PLAN,
        limit({ limits: ['2/h'], key: 'consumer' }),
      ],
      { limits: ['8/h'], quotas: [{ limit: 7, per: 'month' }] },
      [
        [200, '"2/h";r=1', '"8/h";r=7', '"month";r=6', '"9/h";r=8'],
        [200, '"2/h";r=0', '"8/h";r=6', '"month";r=5', '"9/h";r=7'],
        [429, '"2/h";r=0', '"8/h";r=6', '"month";r=5', '"9/h";r=7'],
      ],
      [1, 1, 1],
    ],
    [
      'of a plan with quotas alone, which refuses',
      [limit({ limits: ['9/h'], when: 'after-authentication', ...ALL }), PLAN],
      { quotas: [{ limit: 1, per: 'month' }] },
      [
        [200, '"month";r=0', '"9/h";r=8'],
        [429, '"month";r=0', '"9/h";r=8'],
        [429, '"month";r=0', '"9/h";r=8'],
      ],
      [1, 1, 1],
    ],
    [
      'of those before and those after authentication, where nothing stands between that may refuse',
      [
        limit({ limits: ['9/h'], ...ALL }),
        { name: 'public', options: {} },
        limit({ limits: ['8/h'], key: 'consumer' }),
      ],
      undefined,
      [
        [200, '"8/h";r=7', '"9/h";r=8'],
        [200, '"8/h";r=6', '"9/h";r=7'],
        [200, '"8/h";r=5', '"9/h";r=6'],
      ],
      [1, 1, 1],
    ],
    [
      'but not across a policy that may refuse, or find out who calls',
      [
        limit({ limits: ['9/h'], ...ALL }),
        limit({ limits: ['8/h'], ...EACH }),
        { name: 'authorize', options: { default: 'allow' } },
        limit({ limits: ['7/h'], key: 'consumer' }),
        limit({ limits: ['6/h'], ...EACH, when: 'after-authentication' }),
      ],
      undefined,
      [
        [200, '"6/h";r=5', '"7/h";r=6', '"8/h";r=7', '"9/h";r=8'],
        [200, '"6/h";r=4', '"7/h";r=5', '"8/h";r=6', '"9/h";r=7'],
        [200, '"6/h";r=3', '"7/h";r=4', '"8/h";r=5', '"9/h";r=6'],
      ],
      [2, 2, 2],
    ],
    [
      'but not two that share their counts: the second sees what the first took',
      [limit({ limits: ['3/h'], ...ALL }), limit({ limits: ['3/h'], ...ALL })],
      undefined,
      [
        [200, '"3/h";r=1', '"3/h";r=2'],
        [429, '"3/h";r=0', '"3/h";r=1'],
        [429, '"3/h";r=0', '"3/h";r=1'],
      ],
      // One more gives back what the first took.
      [2, 3, 3],
    ],
  ] as const satisfies readonly (readonly [
    string,
    readonly PolicyUse[],
    object | undefined,
    readonly unknown[],
    readonly number[],
  ])[])
    it(title, async () => {
      const found = await played(uses, plan);
      assert.deepEqual(found.outcomes, outcomes);
      assert.deepEqual(found.calls, calls);
    });

  it('goes on behind one that makes the request wait, when that has let it through', async () => {
    const uses = [
      limit({ limits: ['9/h'], ...ALL }),
      limit({ limits: [{ rate: '10/s', burst: 1 }], delay: { max: '2s' }, headers: [], ...ALL }),
      limit({ limits: ['8/h'], ...EACH }),
    ];
    const { outcomes, calls, events } = await played(uses, undefined);
    assert.deepEqual(outcomes, [
      [200, '"8/h";r=7', '"9/h";r=8'],
      [200, '"8/h";r=6', '"9/h";r=7'],
      [200, '"8/h";r=5', '"9/h";r=6'],
    ]);
    // That there is no room, that there is, and what stands behind. A machine that is slow may not have to wait.
    const waited = events.filter((event) => event === 'delayed').length;
    assert.equal(
      calls.reduce((sum, each) => sum + each),
      3 + 2 * waited,
    );
  });

  it('of a request whose client leaves meanwhile holds nothing under way', async () => {
    using policies = await openPolicies(
      [limit({ limits: ['9/h'], ...ALL }), limit({ limits: [{ concurrency: 1 }], ...ALL })],
      settings,
    );
    for (let i = 0; i < 3; i++) {
      const exchange = requestOf('alice');
      const [first] = policies.onRequest;
      const pending = first?.hooks.onRequest(exchange);
      for (const { hooks } of policies.onEnd) hooks.onEnd(exchange);
      assert.equal(await pending, undefined);
    }
    assert.equal((await ask(policies, 'alice'))[0], 200);
  });

  it('fails for each as its onFailure says', async () => {
    const away = await RedisServer.start();
    const { redis } = stateSchema.parse({ redis: { url: away.url, prefix: 'p:', timeout: '2s' } });
    const open9 = limit({ limits: ['9/h'], onFailure: 'open', ...ALL });
    using policies = await openPolicies(
      [open9, open9, limit({ limits: ['8/h'], onFailure: 'closed', ...EACH })],
      redis,
    );
    using openOnes = await openPolicies([open9, limit({ limits: ['8/h'], ...EACH })], redis);
    await away.close();
    assert.deepEqual(await ask(policies, 'alice'), [503]);
    assert.deepEqual(policies.events, ['unavailable', 'unavailable', 'unavailable']);
    assert.deepEqual(await ask(openOnes, 'alice'), [200]);
  });

  it('comes to what asking one after the other comes to, whatever the uses', async () => {
    const use = fc.record({
      limits: fc.uniqueArray(fc.constantFrom('2/h', '3/h', '4/h', '5/h'), { minLength: 1, maxLength: 2 }),
      key: fc.constantFrom('route', { header: 'x-client' }),
      algorithm: fc.constantFrom('gcra', 'sliding-window'),
      cost: fc.constantFrom(1, 1, 2),
      shadow: fc.constantFrom(false, false, true),
      when: fc.constantFrom('before-authentication', 'after-authentication'),
    });
    const plan = fc.option(
      fc.constantFrom(
        { limits: ['3/h'] },
        { quotas: [{ limit: 3, per: 'month' }] },
        { limits: ['5/h'], quotas: [{ limit: 2, per: 'month' }] },
      ),
      { nil: undefined },
    );
    const clients = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 4, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(fc.array(use, { maxLength: 4 }), plan, clients, async (options, gold, asked) => {
        const uses = [...options.map(limit), ...(gold === undefined ? [] : [PLAN])];
        await server.send('FLUSHALL');
        using inMemory = await openPolicies(uses, undefined, gold);
        using inRedis = await openPolicies(uses, settings, gold);
        for (const client of asked) assert.deepEqual(await ask(inRedis, client), await ask(inMemory, client));
        assert.deepEqual(inRedis.events, inMemory.events);
      }),
      { numRuns: 60 },
    );
  });
});
