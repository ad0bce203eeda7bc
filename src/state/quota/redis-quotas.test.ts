import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openRedis, type TestRedis } from '../../../test/support/redis.ts';
import { seededRandom } from '../../../test/support/seeded-random.ts';
import { Calendar } from '../../lib/calendar.ts';
import { connectWorker } from '../redis/redis.support.ts';
import { PERS, type QuotaCharge, type QuotaTaking } from './quota.ts';
import { RedisQuotas } from './redis-quotas.ts';

const DAY_MS = 86_400_000;
/** Of the test's clock; Redis keeps nothing that ended a day ago by its own. */
const FIRST_MS = Date.now() + 40 * DAY_MS;

describe('Quotas in Redis', () => {
  let redis: TestRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => redis.close());

  /** As two nodes see it. */
  async function nodes() {
    const workers = await Promise.all([1, 2].map(() => connectWorker(redis)));
    return {
      quotas: workers.map(({ connection }) => new RedisQuotas(connection, redis.prefix)),
      close: () => Promise.all(workers.map((worker) => worker.close())),
    };
  }

  function taking(
    quotas: RedisQuotas,
    consumer: string,
    limits: readonly number[],
    nowMs: number,
  ): QuotaTaking {
    const asked = quotas.taking();
    asked.plan = 'gold';
    asked.consumer = consumer;
    for (const [i, per] of PERS.entries()) {
      const charge = asked.charges[i] as QuotaCharge;
      charge.limit = limits[i] ?? 0;
      charge.period = new Calendar(per, 'Europe/Zurich').at(nowMs);
    }
    return asked;
  }

  it('let no more through than the limit in a period, whichever node is asked, however many at one time', async () => {
    const { quotas, close } = await nodes();
    const random = seededRandom(1);
    const limits = [5, 12];
    const admitted = new Map<string, number>();
    let nowMs = FIRST_MS;
    for (let round = 0; round < 40; round++) {
      nowMs += random() * DAY_MS;
      const asked = Array.from({ length: 10 }, (_, i) =>
        taking(quotas[i % 2] as RedisQuotas, `c${i % 3}`, limits, nowMs - random() * 5000),
      );
      const verdicts = await Promise.all(asked.map(async (one) => one.take()));
      for (const [i, { consumer, charges }] of asked.entries()) {
        if (verdicts[i] !== 'taken') {
          assert.equal(verdicts[i], 'refused');
          continue;
        }
        for (const [k, { period }] of charges.entries()) {
          const key = `${consumer} ${k} ${period.startMs}`;
          admitted.set(key, (admitted.get(key) ?? 0) + 1);
        }
      }
    }
    for (const [key, count] of admitted)
      assert.ok(count <= (limits[Number(key.split(' ')[1])] as number), key);
    assert.ok([...admitted.values()].includes(5) && [...admitted.values()].includes(12));
    await close();
  });

  it('get back what was taken of a period that still runs, and of no other', async () => {
    const { quotas, close } = await nodes();
    const [one, other] = quotas as [RedisQuotas, RedisQuotas];
    const used = async () => (await one.read('gold', 'back'))?.counts.map((count) => count.used);
    const first = taking(one, 'back', [5, 5], FIRST_MS);
    await first.take();
    await taking(one, 'back', [5, 5], FIRST_MS).take();
    first.giveBack();
    assert.deepEqual(
      [await used(), first.charges.map((charge) => charge.used)],
      [
        [1, 1],
        [0, 0],
      ],
    );
    const late = taking(one, 'back', [5, 5], FIRST_MS);
    await late.take();
    await taking(other, 'back', [5, 5], FIRST_MS + DAY_MS).take();
    late.giveBack();
    assert.deepEqual(await used(), [1, 2], 'a new day has begun, the month goes on');
    await close();
  });

  it('tell what is left, are read and begin anew', async () => {
    const { quotas, close } = await nodes();
    const [one, other] = quotas as [RedisQuotas, RedisQuotas];
    const asked = taking(one, 'alice', [0, 2], FIRST_MS);
    const period = asked.charges[1]?.period;
    assert.deepEqual(
      [await asked.take(), await asked.take(), await asked.take()],
      ['taken', 'taken', 'refused'],
    );
    assert.deepEqual(asked.charges[1], { limit: 2, period, used: 2, admitted: false });
    assert.equal((await other.read('gold', 'alice'))?.counts[1]?.used, 2);
    await other.reset('gold', 'alice', [true, false]);
    assert.equal(await asked.take(), 'refused');
    await other.reset('gold', 'alice', [false, true]);
    assert.equal(await taking(one, 'alice', [0, 2], FIRST_MS).take(), 'taken');
    await close();
  });

  it('tell at once that Redis is away', async () => {
    const { quotas, close } = await nodes();
    await close();
    assert.equal(await taking(quotas[0] as RedisQuotas, 'alice', [1], FIRST_MS).take(), 'unavailable');
    assert.equal(await quotas[0]?.read('gold', 'alice'), undefined);
  });
});
