import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Calendar } from '../../lib/calendar.ts';
import { planSchema } from '../../policies/plan/plans-schema.ts';
import { newCharges, PERS } from '../../state/quota/quota.ts';
import { QuotaTable } from '../../state/quota/quota-table.ts';
import { type RedisConfig, stateSchema } from '../../state/schema.ts';
import { QuotaDesk } from './quota-desk.ts';
import { QuotaKeeper } from './quota-keeper.ts';

const NOON = Date.parse('2026-03-31T10:00:00Z');
const LONG = 'x'.repeat(200);

/** A desk over memory where `gold` gives 10 a day and 100 a month, to `alice` and to somebody whose name is long. */
function play(redis?: RedisConfig) {
  const clock = { nowMs: NOON };
  const nowMs = () => clock.nowMs;
  const table = new QuotaTable(QuotaTable.allocate(100), 0);
  const log = () => {};
  const gold = planSchema.parse({
    quotas: [
      { limit: 10, per: 'day' },
      { limit: 100, per: 'month' },
    ],
    timeZone: 'Europe/Zurich',
  });
  const consumers = { alice: { plan: 'gold' }, [LONG]: { plan: 'gold' } };
  const desk = new QuotaDesk({
    table,
    keeper: new QuotaKeeper({ table, path: '', log, nowMs }),
    plans: () => ({ plans: { gold }, consumers }),
    redis: () => redis,
    log,
    nowMs,
  });
  const take = (consumer: string, plan = 'gold') => {
    const charges = newCharges();
    for (const [i, per] of PERS.entries())
      Object.assign(charges[i] as object, {
        limit: 100,
        period: new Calendar(per, 'Europe/Zurich').at(clock.nowMs),
      });
    table.take(plan, consumer, charges, clock.nowMs);
  };
  /** Used, by name and period. */
  const used = async (consumer?: string) => {
    const answer = await desk.list(consumer);
    assert.ok(answer.ok);
    return (answer.quotas as { consumer: string; per: string; used: number }[]).map(
      (one) => `${one.consumer.slice(0, 7)} ${one.per} ${one.used}`,
    );
  };
  return { desk, take, used, clock };
}

describe('Quotas on the admin port', () => {
  it('show what is used of what until when', async () => {
    const { desk, take } = play();
    take('alice');
    assert.deepEqual(await desk.list('alice'), {
      ok: true,
      quotas: [
        {
          consumer: 'alice',
          plan: 'gold',
          per: 'day',
          used: 1,
          limit: 10,
          start: '2026-03-30T22:00:00.000Z',
          reset: '2026-03-31T22:00:00.000Z',
        },
        {
          consumer: 'alice',
          plan: 'gold',
          per: 'month',
          used: 1,
          limit: 100,
          start: '2026-02-28T23:00:00.000Z',
          reset: '2026-03-31T22:00:00.000Z',
        },
      ],
    });
  });

  it('are those of everybody who is configured, and of who was counted while the period lasts', async () => {
    const { take, used, clock } = play();
    take('carol');
    take('dave', 'gone');
    take(LONG);
    const everybody = (await used()).toSorted();
    assert.deepEqual(everybody, [
      'alice day 0',
      'alice month 0',
      'carol day 1',
      'carol month 1',
      'xxxxxxx day 1',
      'xxxxxxx month 1',
    ]);
    assert.deepEqual(await used(LONG), ['xxxxxxx day 1', 'xxxxxxx month 1']);
    assert.deepEqual(await used('nobody'), []);
    clock.nowMs += 86_400_000;
    assert.deepEqual((await used()).toSorted(), [
      'alice day 0',
      'alice month 0',
      'xxxxxxx day 0',
      'xxxxxxx month 0',
    ]);
  });

  it('begin anew, all of a consumer or one', async () => {
    const { desk, take, used } = play();
    take('alice');
    take(LONG);
    assert.ok((await desk.reset({ consumer: 'alice', per: 'day' })).ok);
    assert.deepEqual(await used('alice'), ['alice day 0', 'alice month 1']);
    assert.ok((await desk.reset({ consumer: 'alice' })).ok);
    assert.deepEqual(await used('alice'), ['alice day 0', 'alice month 0']);
    assert.ok((await desk.reset({ consumer: LONG, plan: 'gold' })).ok);
    assert.equal(
      (await used(LONG)).every((line) => line.endsWith('0')),
      true,
    );
    const unknown = await desk.reset({ consumer: 'alice', plan: 'silver' });
    assert.equal(unknown.ok || unknown.code, 'quota_unknown');
  });

  it('say that Redis does not answer', async () => {
    const { redis } = stateSchema.parse({ redis: { url: 'redis://127.0.0.1:1', connectTimeout: '50ms' } });
    const { desk } = play(redis);
    for (const answer of [await desk.list('alice'), await desk.reset({ consumer: 'alice' })])
      assert.equal(answer.ok || answer.code, 'quotas_unavailable');
  });
});
