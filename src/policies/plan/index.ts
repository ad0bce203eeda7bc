import { definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compilePlan } from './compiled-plan.ts';
import { PlanHooks } from './plan.ts';
import { planPolicySchema } from './schema.ts';

export const planPolicy = definePolicy({
  name: 'plan',
  stage: 'quota',
  unique: true,
  schema: planPolicySchema,
  async create(options, context: BuiltinContext) {
    const { plans, limiters } = context;
    // Made to be checked, and closed again.
    if (plans === undefined || limiters === undefined) return {};
    const held = await plans.quotas.open();
    const compiled = new Map(
      await Promise.all(
        Object.entries(plans.data.plans).map(
          async ([name, plan]) => [name, await compilePlan(name, plan, limiters, context)] as const,
        ),
      ),
    );
    const consumers = new Map(Object.entries(plans.data.consumers).map(([name, { plan }]) => [name, plan]));
    const { count, warn } = context;
    return new PlanHooks(options, { ...held, plans: compiled, consumers, count, warn, nowMs: Date.now });
  },
});
