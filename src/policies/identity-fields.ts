import type { Turns } from '../lib/turns.ts';
import type { PolicyReader } from './compile.ts';
import { IdentityFields } from './identity-field-set.ts';
import { builtinPolicies } from './registry.ts';
import type { PolicyUse } from './use.ts';

/**
 * Those of all uses of a configuration, but for fields in which clients send credentials: whoever takes those takes them off, written as they are.
 * Undefined where there are none. Rejects as `reader` does.
 */
export async function findIdentityFields(
  uses: Iterable<PolicyUse>,
  reader: PolicyReader,
  turns: Turns,
): Promise<IdentityFields | undefined> {
  const names = new Set<string>();
  const credentials = new Set<string>();
  for (const use of uses) {
    const has = use.module === undefined ? builtinPolicies.get(use.name)?.has : undefined;
    // Most policies have none: their options are not looked at.
    if (has === undefined || !(has.includes('identityFields') || has.includes('credentialFields'))) continue;
    const { policy, options } = await reader.read(use);
    for (const name of policy.identityFields?.(options) ?? []) names.add(name.toLowerCase());
    for (const name of policy.credentialFields?.(options) ?? []) credentials.add(name.toLowerCase());
    if (turns.isOver()) await turns.next();
  }
  return names.size === 0 ? undefined : new IdentityFields(names, credentials);
}
