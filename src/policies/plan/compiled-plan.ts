import { Calendar } from '../../lib/calendar.ts';
import { clockMs } from '../../lib/clock.ts';
import type { Limiters } from '../../state/limiters.ts';
import { PERS } from '../../state/quota/quota.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compileLimits } from '../rate-limit/limits.ts';
import { RateLimit } from '../rate-limit/rate-limit.ts';
import type { RateLimitOptions } from '../rate-limit/schema.ts';
import type { PlanConfig } from './plans-schema.ts';

/** One kind of period of a plan. */
export interface CompiledQuota {
  /** 0: there is no quota of this kind. */
  readonly limit: number;
  /** From so many requests on answers warn. */
  readonly softAt: number;
  readonly calendar: Calendar;
}

/** A plan as the policy of one route applies it. */
export interface CompiledPlan {
  readonly name: string;
  readonly rates: RateLimit | undefined;
  /** As `PERS`; undefined where the plan has none. */
  readonly quotas: readonly CompiledQuota[] | undefined;
}

export function compileQuotas({ quotas, timeZone }: PlanConfig): readonly CompiledQuota[] | undefined {
  if (quotas.length === 0) return undefined;
  return PERS.map((per) => {
    const { limit = 0, soft } = quotas.find((quota) => quota.per === per) ?? {};
    const softAt = soft === undefined ? Number.POSITIVE_INFINITY : Math.ceil((limit * soft) / 100);
    return { limit, softAt, calendar: new Calendar(per, timeZone) };
  });
}

export async function compilePlan(
  name: string,
  plan: PlanConfig,
  limiters: Limiters,
  context: BuiltinContext,
): Promise<CompiledPlan> {
  const quotas = compileQuotas(plan);
  if (plan.limits === undefined) return { name, rates: undefined, quotas };
  const options = rateOptions(plan.limits);
  // Counted for the plan, whichever routes it is applied on, and apart from every other plan and policy.
  const limits = compileLimits(options, context).map((compiled) => ({
    ...compiled,
    limit: { ...compiled.limit, id: `plan/${name}/${compiled.limit.id}` },
  }));
  const held = await limiters.open({ syncMs: 0 });
  const rates = new RateLimit(options, { ...held, limits, count: context.count, nowMs: clockMs });
  return { name, rates, quotas };
}

function rateOptions(limits: RateLimitOptions['limits']): RateLimitOptions {
  return {
    limits,
    key: ['consumer'],
    unknown: 'skip',
    scope: 'gateway',
    algorithm: 'gcra',
    cost: 1,
    headers: ['standard'],
    shadow: false,
  };
}
