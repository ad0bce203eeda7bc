import { z } from 'zod';
import type { PolicyUse } from '../../src/policies/use.ts';
import { definePolicy, type PolicyHooks, type Stage } from '../../src/policy/contract.ts';

/** A user's own policy whose options are its hooks: a gateway in the test's process is given functions, not text. */
export const policy = definePolicy<StagedHooks>({
  name: 'hooked',
  stage: 'transform',
  stageOf: ({ stage }) => stage ?? 'transform',
  schema: z.custom<StagedHooks>(),
  create: (hooks) => hooks,
});

type StagedHooks = PolicyHooks & { readonly stage?: Stage };

/** The use of a policy with these hooks, under this name in the log. */
export function hooked(name: string, hooks: StagedHooks): PolicyUse {
  return { name, module: import.meta.url, options: hooks };
}
