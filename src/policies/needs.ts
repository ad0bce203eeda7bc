import { builtinPolicies } from './registry.ts';
import type { PolicyUse } from './use.ts';

/** What a built-in policy may be made of beside its options: where that is another, the policy is made anew. */
export const POLICY_NEEDS = ['plans', 'identity'] as const;
export type PolicyNeed = (typeof POLICY_NEEDS)[number];

/** Whether one of them is made of one of these. */
export function needsAny(uses: readonly PolicyUse[], changed: readonly PolicyNeed[]): boolean {
  return changed.length > 0 && uses.some((use) => isMadeOf(use, changed));
}

function isMadeOf({ name, module }: PolicyUse, changed: readonly PolicyNeed[]): boolean {
  const builtin = module === undefined ? builtinPolicies.get(name) : undefined;
  return builtin?.needs.some((need) => changed.includes(need)) ?? false;
}
