import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRedis, RedisServer, scriptCallsOf, type TestRedis } from '../../../test/support/redis.ts';
import { Limiters } from '../../state/limiters.ts';
import { QuotaTable } from '../../state/quota/quota-table.ts';
import { Quotas } from '../../state/quota/quotas.ts';
import { connectQuotas } from '../../state/quota/redis-quotas.ts';
import { SharedQuotas } from '../../state/quota/shared-quotas.ts';
import { type RedisConfig, stateSchema } from '../../state/schema.ts';
import { LimitPlay } from '../../state/shared/limiter.support.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compilePlan } from './compiled-plan.ts';
import { type Outcome, send } from './plan.support.ts';
import { PlanHooks } from './plan.ts';
import { Plans } from './plans.ts';
import { planSchema } from './plans-schema.ts';
import { planPolicySchema } from './schema.ts';

interface Opened extends AsyncDisposable {
  readonly policy: PlanHooks;
  readonly events: readonly string[];
}

function settingsOf({ url, prefix }: Pick<TestRedis, 'url' | 'prefix'>, more: object = {}): RedisConfig {
  const { redis } = stateSchema.parse({ redis: { url, prefix, timeout: '2s', ...more } });
  return redis ?? assert.fail();
}

/** The policy over Redis, of one worker. */
async function open(settings: RedisConfig, plan: Readonly<Record<string, unknown>>): Promise<Opened> {
  const events: string[] = [];
  const count = (event: string) => events.push(event);
  const context = { route: 'r', service: undefined, global: false, count } as unknown as BuiltinContext;
  const limiters = new Limiters(new LimitPlay().limiter(), settings, () => {});
  const quotas = new Quotas(
    new SharedQuotas(new QuotaTable(QuotaTable.allocate(100), 1)),
    settings,
    () => {},
  );
  const data = { plans: { gold: planSchema.parse(plan) }, consumers: {} };
  const { all } = new Plans(data, quotas);
  const compiled = await Promise.all(all.map((each) => compilePlan(each, limiters, context)));
  const policy = new PlanHooks(planPolicySchema.parse({}), {
    ...(await quotas.open()),
    plans: new Map(compiled.map((each) => [each.name, each])),
    planOf: () => undefined,
    count,
    warn: () => {},
    nowMs: Date.now,
  });
  return { policy, events, [Symbol.asyncDispose]: async () => policy.close() };
}

const asks = (policy: PlanHooks, consumer: string): Promise<Outcome> =>
  send(policy, { consumer, plan: 'gold' });

/** Code, and what is left of everything that the answer tells of, without the times. */
function told({ answer, exchange }: Outcome): unknown[] {
  const left = exchange.responseLines
    .filter((line) => line.startsWith('RateLimit:'))
    .map((line) => line.slice('RateLimit: '.length).replaceAll(/;t=\d+/g, ''));
  return [answer?.code, ...left];
}

describe('A plan with rates and quotas in Redis', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());

  it('asks once about all of them', async () => {
    const server = await RedisServer.start();
    try {
      await using opened = await open(settingsOf({ url: server.url, prefix: 'p:' }), {
        limits: ['9/h', { concurrency: 5 }],
        quotas: [
          { limit: 2, per: 'day' },
          { limit: 9, per: 'month' },
        ],
      });
      // The first finds the script missing, and asks again.
      await asks(opened.policy, 'alice');
      const earlier = await scriptCallsOf(server);
      for (let i = 0; i < 5; i++) await asks(opened.policy, 'alice');
      assert.equal((await scriptCallsOf(server)) - earlier, 5);
      assert.deepEqual(opened.events, Array<string>(4).fill('quota_exceeded'));
    } finally {
      await server.close();
    }
  });

  it('takes nothing of a quota for what a rate refuses', async () => {
    const settings = settingsOf(redis);
    await using opened = await open(settings, { limits: ['2/h'], quotas: [{ limit: 9, per: 'month' }] });
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(told(await asks(opened.policy, 'by rate')));
    assert.deepEqual(outcomes, [
      [undefined, '"2/h";r=1', '"month";r=8'],
      [undefined, '"2/h";r=0', '"month";r=7'],
      ['rate_limited', '"2/h";r=0'],
      ['rate_limited', '"2/h";r=0'],
    ]);
    const { connection, counter } = connectQuotas(settings, () => {});
    await connection.ready();
    assert.equal((await counter.read('gold', 'by rate'))?.counts[1]?.used, 2);
    await connection.close();
  });

  it('takes nothing of a rate, and holds nothing under way, for what a quota refuses', async () => {
    await using opened = await open(settingsOf(redis), {
      limits: ['9/h', { concurrency: 1 }],
      quotas: [{ limit: 1, per: 'month' }],
    });
    const outcomes = [];
    for (let i = 0; i < 3; i++) outcomes.push(told(await asks(opened.policy, 'by quota')));
    assert.deepEqual(outcomes, [
      [undefined, '"9/h";r=8, "concurrency 1";r=0', '"month";r=0'],
      ['quota_exceeded', '"9/h";r=8, "concurrency 1";r=1', '"month";r=0'],
      ['quota_exceeded', '"9/h";r=8, "concurrency 1";r=1', '"month";r=0'],
    ]);
  });

  it('says that a rate refuses where both do', async () => {
    await using opened = await open(settingsOf(redis), {
      limits: ['1/h'],
      quotas: [{ limit: 1, per: 'month' }],
    });
    assert.deepEqual(
      [(await asks(opened.policy, 'both')).answer?.code, (await asks(opened.policy, 'both')).answer?.code],
      [undefined, 'rate_limited'],
    );
  });

  it('counts a consumer with a name of any length, which the admin port finds by its hash', async () => {
    const settings = settingsOf(redis);
    const consumer = 'ü'.repeat(5000);
    await using opened = await open(settings, { limits: ['9/h'], quotas: [{ limit: 9, per: 'month' }] });
    assert.equal((await asks(opened.policy, consumer)).answer, undefined);
    const { connection, counter } = connectQuotas(settings, () => {});
    await connection.ready();
    assert.equal((await counter.read('gold', consumer))?.counts[1]?.used, 1);
    await connection.close();
  });

  for (const [onFailure, code] of [
    ['open', undefined],
    ['closed', 'limits_unavailable'],
  ] as const)
    it(`fails ${onFailure} while Redis is away, and is counted so once for a request`, async () => {
      const server = await RedisServer.start();
      const settings = settingsOf({ url: server.url, prefix: 'p:' }, { onFailure });
      await using opened = await open(settings, { limits: ['9/h'], quotas: [{ limit: 9, per: 'month' }] });
      await server.close();
      assert.deepEqual(told(await asks(opened.policy, 'alice')), [code]);
      assert.deepEqual(opened.events, ['unavailable']);
    });
});
