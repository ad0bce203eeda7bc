import { z } from 'zod';
import { Calendar } from '../../lib/calendar.ts';
import { NO_PLANS, type PlansData } from '../../policies/plan/plans-schema.ts';
import type { Log } from '../../state/log.ts';
import { countedAs, PERS, type QuotaRecord } from '../../state/quota/quota.ts';
import type { QuotaTable } from '../../state/quota/quota-table.ts';
import type { RedisConfig } from '../../state/schema.ts';
import type { QuotaAnswer, QuotaCalls } from '../admin/endpoint.ts';
import type { QuotaKeeper } from './quota-keeper.ts';

export interface QuotaDeskOptions {
  readonly table: QuotaTable;
  readonly keeper: QuotaKeeper;
  /** Of the configuration in force. */
  readonly plans: () => PlansData | undefined;
  readonly redis: () => RedisConfig | undefined;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** One quota of one consumer, as the admin port shows it. */
interface QuotaStatus {
  readonly consumer: string;
  readonly plan: string;
  readonly per: string;
  readonly used: number;
  readonly limit: number;
  readonly start: string;
  readonly reset: string;
}

/** Which counts are meant; all where nothing is said. */
interface Choice {
  readonly consumer?: string | undefined;
  readonly plan?: string | undefined;
  readonly per?: string | undefined;
}

const resetSchema = z.strictObject({
  consumer: z.string().min(1),
  plan: z.string().optional(),
  per: z.enum(['day', 'month']).optional(),
});

const UNAVAILABLE: QuotaAnswer = {
  ok: false,
  code: 'quotas_unavailable',
  message: 'Redis does not answer',
};

/** What the admin port shows of quotas, and resets. */
export class QuotaDesk implements QuotaCalls {
  readonly #options: QuotaDeskOptions;

  constructor(options: QuotaDeskOptions) {
    this.#options = options;
  }

  async list(consumer?: string): Promise<QuotaAnswer> {
    const choice: Choice = consumer === undefined ? {} : { consumer };
    const records = await this.#records(choice);
    return records === undefined ? UNAVAILABLE : { ok: true, quotas: this.#describe(records, choice) };
  }

  async reset(input: unknown): Promise<QuotaAnswer> {
    const parsed = resetSchema.safeParse(input);
    if (!parsed.success)
      return {
        ok: false,
        code: 'reset_invalid',
        message:
          'Send {"consumer": "...", "plan": "...", "per": "day" or "month"}; plan and per may be left out',
      };
    const records = await this.#records(parsed.data, true);
    if (records === undefined) return UNAVAILABLE;
    const quotas = this.#describe(records, parsed.data, true);
    if (quotas.length > 0) return { ok: true, quotas };
    return { ok: false, code: 'quota_unknown', message: 'There is no such quota of this consumer' };
  }

  get #plans(): PlansData {
    return this.#options.plans() ?? NO_PLANS;
  }

  /** What is counted, after the periods that are chosen began anew where `resets`. undefined: Redis did not answer. */
  #records(choice: Choice, resets = false): Promise<readonly QuotaRecord[] | undefined> {
    const redis = this.#options.redis();
    if (redis !== undefined) return this.#inRedis(redis, choice, resets);
    const { table, keeper } = this.#options;
    const records: QuotaRecord[] = [];
    const wanted = choice.consumer === undefined ? undefined : countedAs(choice.consumer);
    const which = chosen(choice);
    for (let slot = 0; slot < table.slots; slot++) {
      const record = table.read(slot, (found) => {
        if (wanted !== undefined && found.consumer !== wanted) return undefined;
        if (choice.plan !== undefined && found.plan !== choice.plan) return undefined;
        if (!resets) return found;
        for (let i = 0; i < PERS.length; i++) if (which[i]) table.reset(slot, i);
        return { ...found, counts: found.counts.map((count, i) => (which[i] ? NOTHING : count)) };
      });
      if (record !== undefined) records.push(record);
    }
    if (resets) keeper.flush();
    return Promise.resolve(records);
  }

  /** Names are not to be had from Redis, which has only hashes: it is asked for those of the configuration, and for who is named. */
  async #inRedis(
    redis: RedisConfig,
    choice: Choice,
    resets: boolean,
  ): Promise<readonly QuotaRecord[] | undefined> {
    const { plans, consumers } = this.#plans;
    const pairs =
      choice.consumer === undefined
        ? Object.entries(consumers).map(([consumer, { plan }]) => [plan, consumer] as const)
        : Object.keys(plans).map((plan) => [plan, choice.consumer as string] as const);
    const { connectQuotas } = await import('../../state/quota/redis-quotas.ts');
    const { connection, counter } = connectQuotas(redis, this.#options.log);
    try {
      await connection.ready();
      const records: QuotaRecord[] = [];
      for (const [plan, consumer] of pairs) {
        if (choice.plan !== undefined && plan !== choice.plan) continue;
        const record = await (resets
          ? counter.reset(plan, consumer, chosen(choice))
          : counter.read(plan, consumer));
        if (record === undefined) return undefined;
        records.push(record);
      }
      return records;
    } finally {
      await connection.close();
    }
  }

  /** Every quota of those who have been counted, and of those who are in the configuration. */
  #describe(records: readonly QuotaRecord[], choice: Choice, showsIdle = false): QuotaStatus[] {
    const { plans, consumers } = this.#plans;
    const nowMs = this.#options.nowMs();
    const known = new Map(records.map((record) => [keyOf(record.plan, record.consumer), record]));
    for (const [consumer, { plan }] of Object.entries(consumers)) {
      const key = keyOf(plan, consumer);
      if (choice.consumer !== undefined && consumer !== choice.consumer) continue;
      // By the name that they are known by here, also where a hash stands for it.
      known.set(key, { plan, consumer, counts: known.get(key)?.counts ?? [] });
    }
    const statuses: QuotaStatus[] = [];
    for (const { plan, consumer, counts } of known.values()) {
      const settings = Object.hasOwn(plans, plan) ? plans[plan] : undefined;
      const isConfigured = Object.hasOwn(consumers, consumer) && consumers[consumer]?.plan === plan;
      if (settings === undefined || (choice.plan !== undefined && plan !== choice.plan)) continue;
      for (const [i, per] of PERS.entries()) {
        const quota = settings.quotas.find((one) => one.per === per);
        if (quota === undefined || (choice.per !== undefined && per !== choice.per)) continue;
        const count = counts[i] ?? NOTHING;
        const runs = count.period.endMs > nowMs;
        if (!runs && !isConfigured && !showsIdle) continue;
        const { startMs, endMs } = runs ? count.period : new Calendar(per, settings.timeZone).at(nowMs);
        statuses.push({
          consumer,
          plan,
          per,
          used: runs ? count.used : 0,
          limit: quota.limit,
          start: new Date(startMs).toISOString(),
          reset: new Date(endMs).toISOString(),
        });
      }
    }
    return statuses;
  }
}

const NOTHING: QuotaRecord['counts'][number] = { period: { startMs: 0, endMs: 0 }, used: 0 };

function keyOf(plan: string, consumer: string): string {
  return `${plan}\0${countedAs(consumer)}`;
}

function chosen({ per }: Choice): boolean[] {
  return PERS.map((one) => per === undefined || per === one);
}
