import { definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compilePlan } from './compiled-plan.ts';
import { PlanHooks } from './plan.ts';
import { planPolicySchema } from './schema.ts';

export const planPolicy = definePolicy({
  name: 'plan',
  stage: 'quota',
  counts: true,
  unique: true,
  needs: ['plans'],
  schema: planPolicySchema,
  async create(options, context: BuiltinContext) {
    const { plans, limiters, organization } = context;
    // Made to be checked, and closed again.
    if (plans === undefined || limiters === undefined) return {};
    const held = await plans.counting.open();
    const compiled = await Promise.all(plans.all.map((plan) => compilePlan(plan, limiters, context)));
    return new PlanHooks(options, {
      ...held,
      plans: new Map(compiled.map((plan) => [plan.name, plan])),
      planOf: (consumer) => plans.planOf(consumer, organization),
      count: (event) => context.count(event),
      warn: (message) => context.warn(message),
      nowMs: Date.now,
    });
  },
});
