import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Limiters } from '../../state/limiters.ts';
import type { QuotaCounter } from '../../state/quota/quota.ts';
import { QuotaTable } from '../../state/quota/quota-table.ts';
import { Quotas } from '../../state/quota/quotas.ts';
import { SharedQuotas } from '../../state/quota/shared-quotas.ts';
import { LimitPlay } from '../../state/shared/limiter.support.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compilePlan } from './compiled-plan.ts';
import { type Outcome, send } from './plan.support.ts';
import { PlanHooks } from './plan.ts';
import { Plans } from './plans.ts';
import { planSchema } from './plans-schema.ts';
import { planPolicySchema } from './schema.ts';

const NOON = Date.parse('2026-03-31T10:00:00Z');

/** The policy over memory of its own, on a clock that a test moves. */
class PlanPlay {
  nowMs = NOON;
  readonly events: string[] = [];
  readonly warnings: string[] = [];
  readonly #limits = new LimitPlay();
  readonly #quotas = new SharedQuotas(new QuotaTable(QuotaTable.allocate(100), 1), () => this.nowMs);

  async policy(
    plans: Record<string, unknown>,
    options: object = {},
    {
      counter = this.#quotas,
      onFailure = 'open',
      organization,
    }: { counter?: QuotaCounter; onFailure?: 'open' | 'closed'; organization?: string } = {},
  ): Promise<PlanHooks> {
    const count = (event: string) => this.events.push(event);
    const context = { route: 'r', service: undefined, global: false, count } as unknown as BuiltinContext;
    const limiters = new Limiters(this.#limits.limiter(), undefined, () => {});
    const data = {
      plans: Object.fromEntries(Object.entries(plans).map(([name, plan]) => [name, planSchema.parse(plan)])),
      consumers: { alice: { plan: 'gold' }, ann: { plan: 'gold', organization: 'acme' } },
    };
    const made = new Plans(data, new Quotas(this.#quotas, undefined, () => {}));
    const compiled = await Promise.all(made.all.map((plan) => compilePlan(plan, limiters, context)));
    return new PlanHooks(planPolicySchema.parse(options), {
      counter,
      onFailure,
      release() {},
      plans: new Map(compiled.map((plan) => [plan.name, plan])),
      planOf: (consumer) => made.planOf(consumer, organization),
      count,
      warn: (message) => this.warnings.push(message),
      nowMs: () => this.nowMs,
    });
  }
}

function field({ exchange }: Outcome, name: string): string | undefined {
  return exchange.response.fields.get(name);
}

const DAILY = { quotas: [{ limit: 2, per: 'day' }], timeZone: 'Europe/Zurich' };

describe('The policy plan', () => {
  it('refuses what is beyond a quota until its period ends, and tells what is left', async () => {
    const play = new PlanPlay();
    const policy = await play.policy({ gold: DAILY });
    const outcomes = [await send(policy), await send(policy), await send(policy)];
    assert.deepEqual(
      outcomes.map((one) => [one.answer?.code, field(one, 'ratelimit'), field(one, 'retry-after')]),
      [
        [undefined, '"day";r=1;t=43200', undefined],
        [undefined, '"day";r=0;t=43200', undefined],
        ['quota_exceeded', '"day";r=0;t=43200', '43200'],
      ],
    );
    assert.equal(field(outcomes[0] as Outcome, 'ratelimit-policy'), '"day";q=2;w=86400');
    assert.deepEqual(outcomes[2]?.answer?.problem, { 'violated-policies': ['day'] });
    assert.deepEqual(play.events, ['quota_exceeded']);
    play.nowMs += 43_200_000;
    assert.equal((await send(policy)).answer, undefined);
  });

  it('warns once in a period where a soft limit is reached, and in every answer from then on', async () => {
    const play = new PlanPlay();
    const policy = await play.policy({ gold: { quotas: [{ limit: 4, per: 'month', soft: 50 }] } });
    const outcomes = [];
    for (let i = 0; i < 5; i++) outcomes.push(await send(policy));
    assert.deepEqual(
      outcomes.map((one) => field(one, 'x-quota-warning')),
      [undefined, '"month";used=2;limit=4', '"month";used=3;limit=4', '"month";used=4;limit=4', undefined],
    );
    assert.deepEqual(play.events, ['soft_limit', 'quota_exceeded']);
    assert.deepEqual(play.warnings, ['consumer "alice" has used 2 of 4 requests a month of the plan gold']);
  });

  it('takes nothing of a quota for what a rate refuses, and nothing of a rate for what a quota refuses', async () => {
    const play = new PlanPlay();
    const policy = await play.policy({
      gold: { limits: ['2/h'], quotas: [{ limit: 3, per: 'day' }] },
      one: { limits: ['9/h'], quotas: [{ limit: 1, per: 'day' }] },
    });
    const gold = [await send(policy), await send(policy), await send(policy)];
    assert.deepEqual(
      gold.map(({ answer }) => answer?.code),
      [undefined, undefined, 'rate_limited'],
    );
    assert.deepEqual(
      gold[1]?.exchange.responseLines.filter((line) => line.startsWith('RateLimit:')),
      ['RateLimit: "2/h";r=0;t=3600', 'RateLimit: "day";r=1;t=50400'],
    );
    const notes = { consumer: 'bob', plan: 'one' };
    const one = [await send(policy, notes), await send(policy, notes)];
    assert.deepEqual(
      one.map((outcome) => [outcome.answer?.code, field(outcome, 'ratelimit')?.split(';t')[0]]),
      [
        [undefined, '"9/h";r=8'],
        ['quota_exceeded', '"9/h";r=8'],
      ],
    );
  });

  it('holds to the plan that authentication names rather than to that of the consumer', async () => {
    const policy = await new PlanPlay().policy({
      gold: DAILY,
      free: { quotas: [{ limit: 7, per: 'month' }] },
    });
    const outcome = await send(policy, { consumer: 'alice', plan: 'free' });
    assert.match(field(outcome, 'ratelimit') ?? '', /^"month";r=6/);
  });

  it('knows the plan of a consumer of an organization on its routes alone', async () => {
    const codes: (string | undefined)[] = [];
    for (const organization of ['acme', 'globex', undefined]) {
      const place = organization === undefined ? {} : { organization };
      const policy = await new PlanPlay().policy({ gold: DAILY }, {}, place);
      for (const consumer of ['ann', 'alice']) codes.push((await send(policy, { consumer })).answer?.code);
    }
    assert.deepEqual(codes, [undefined, undefined, 'no_plan', undefined, 'no_plan', undefined]);
  });

  it('refuses whoever has no plan, or lets them pass', async () => {
    const nobody: readonly Readonly<Record<string, string>>[] = [
      {},
      { consumer: '' },
      { consumer: 'bob' },
      { consumer: 'alice', plan: 'lost' },
      { plan: 'gold' },
    ];
    const [refuses, passes] = [
      await new PlanPlay().policy({ gold: DAILY }),
      await new PlanPlay().policy({ gold: DAILY }, { unknown: 'pass' }),
    ];
    for (const notes of nobody) {
      assert.deepEqual((await send(refuses, notes)).answer?.code, 'no_plan');
      assert.equal((await send(passes, notes)).answer, undefined);
    }
  });

  it('goes on without quotas that nobody can count, or refuses, as configured', async () => {
    const counter: QuotaCounter = {
      taking: () => ({
        ...new SharedQuotas(new QuotaTable(QuotaTable.allocate(100), 1)).taking(),
        take: () => Promise.resolve('unavailable'),
      }),
    };
    for (const [onFailure, code] of [
      ['open', undefined],
      ['closed', 'limits_unavailable'],
    ] as const) {
      const play = new PlanPlay();
      const outcome = await send(await play.policy({ gold: DAILY }, {}, { counter, onFailure }));
      assert.deepEqual(
        [outcome.answer?.code, field(outcome, 'ratelimit'), play.events],
        [code, undefined, ['unavailable']],
      );
    }
  });
});
