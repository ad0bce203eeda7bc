import { Calendar } from '../../lib/calendar.ts';
import { sameData } from '../../lib/same-data.ts';
import type { OnFailure } from '../../state/limiters.ts';
import { PERS } from '../../state/quota/quota.ts';
import type { Quotas } from '../../state/quota/quotas.ts';
import type { RedisConfig } from '../../state/schema.ts';
import type { PlanConfig, PlannedConsumer, PlansData } from './plans-schema.ts';

/** One kind of period of a plan. */
export interface PlanQuota {
  /** 0: there is no quota of this kind. */
  readonly limit: number;
  /** From so many requests on answers warn. */
  readonly softAt: number;
  readonly calendar: Calendar;
}

/** A plan, as all routes have it. */
export interface Plan {
  readonly name: string;
  readonly limits: PlanConfig['limits'];
  /** As `PERS`; undefined where the plan has none. */
  readonly quotas: readonly PlanQuota[] | undefined;
}

/** Plans and consumers of one configuration, and where quotas are counted: one for all routes of a worker. */
export class Plans {
  readonly all: readonly Plan[];
  readonly #consumers: ReadonlyMap<string, PlannedConsumer>;
  readonly counting: Quotas;
  readonly #data: PlansData;

  constructor(data: PlansData, counting: Quotas) {
    this.#data = data;
    this.counting = counting;
    this.all = Object.entries(data.plans).map(([name, plan]) => ({
      name,
      limits: plan.limits,
      quotas: quotasOf(plan),
    }));
    this.#consumers = new Map(Object.entries(data.consumers));
  }

  /** Name of the plan of a consumer, on a route of that organization or of none. */
  planOf(consumer: string, organization: string | undefined): string | undefined {
    const found = this.#consumers.get(consumer);
    if (found === undefined) return undefined;
    const isKnown = found.organization === undefined || found.organization === organization;
    return isKnown ? found.plan : undefined;
  }

  /** These where nothing differs, else others: then the policies that apply them are made anew, and what was counted stays. */
  with(data: PlansData, redis: RedisConfig | undefined, onFailure?: OnFailure): Plans {
    const counting = this.counting.with(redis, onFailure);
    return counting === this.counting && sameData(data, this.#data) ? this : new Plans(data, counting);
  }
}

function quotasOf({ quotas, timeZone }: PlanConfig): readonly PlanQuota[] | undefined {
  if (quotas.length === 0) return undefined;
  return PERS.map((per) => {
    const { limit = 0, soft } = quotas.find((quota) => quota.per === per) ?? {};
    const softAt = soft === undefined ? Number.POSITIVE_INFINITY : Math.ceil((limit * soft) / 100);
    return { limit, softAt, calendar: new Calendar(per, timeZone) };
  });
}
