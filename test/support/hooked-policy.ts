import { z } from 'zod';
import type { PolicyUse } from '../../src/policies/use.ts';
import { definePolicy, type PolicyHooks, type Stage } from '../../src/policy/contract.ts';

/** A user's own policy whose options are its hooks: a gateway in the test's process is given functions, not text. */
export const policy = definePolicy<PolicyHooks>({
  name: 'hooked',
  stage: 'transform' satisfies Stage,
  schema: z.custom<PolicyHooks>(),
  create: (hooks) => hooks,
});

/** The use of a policy with these hooks, under this name in the log. */
export function hooked(name: string, hooks: PolicyHooks): PolicyUse {
  return { name, module: import.meta.url, options: hooks };
}
