import { clockMs } from '../../lib/clock.ts';
import type { Exchange } from '../../policy/contract.ts';
import type { Limiters } from '../../state/limiters.ts';
import { countedAs } from '../../state/quota/quota.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compileLimits } from '../rate-limit/limits.ts';
import { RateLimit } from '../rate-limit/rate-limit.ts';
import type { RateLimitOptions } from '../rate-limit/schema.ts';
import type { Plan } from './plans.ts';

/** A plan as the policy of one route applies it. */
export interface CompiledPlan extends Pick<Plan, 'name' | 'quotas'> {
  /** Of a plan with quotas alone: none where they are not asked about with limits of other uses. */
  readonly rates: RateLimit | undefined;
}

export async function compilePlan(
  { name, limits: rates, quotas }: Plan,
  limiters: Limiters,
  context: BuiltinContext,
): Promise<CompiledPlan> {
  if (rates === undefined && quotas === undefined) return { name, rates: undefined, quotas };
  const options = rateOptions(rates ?? []);
  // Counted for the plan, whichever routes it is applied on, and apart from every other plan and policy.
  const limits = compileLimits(options, { ...context, organization: undefined }).map((compiled) => ({
    ...compiled,
    // As quotas call a consumer, so that both lie in one slot of a cluster.
    keyOf: (exchange: Exchange) => countedAs(compiled.keyOf(exchange)),
    limit: { ...compiled.limit, id: `plan/${name}/${compiled.limit.id}` },
  }));
  // Memory or Redis, as configured; neither synchronises.
  const held = await limiters.open({ syncMs: 0 });
  if (rates === undefined && held.limiter.takeInTurn === undefined) {
    held.release();
    return { name, rates: undefined, quotas };
  }
  const count = (event: string) => context.count(event);
  return {
    name,
    rates: new RateLimit(options, {
      ...held,
      limits,
      givesBack: quotas !== undefined || context.isCountedAgain,
      count,
      nowMs: clockMs,
    }),
    quotas,
  };
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
