import type { Turns } from '../lib/turns.ts';
import type { PolicyReader } from './compile.ts';
import { builtinPolicies } from './registry.ts';
import type { PolicyUse } from './use.ts';

/**
 * Query parameters in which a policy of the configuration takes credentials, in small letters; undefined where there are none. They hold for
 * every route: a request that was sent to the wrong one holds the same credentials. Rejects as `reader` does.
 */
export async function findSecretParameters(
  uses: Iterable<PolicyUse>,
  reader: PolicyReader,
  turns: Turns,
): Promise<ReadonlySet<string> | undefined> {
  const names = new Set<string>();
  for (const use of uses) {
    // Most policies have none: their options are not looked at.
    if (use.module !== undefined || !builtinPolicies.get(use.name)?.has.includes('secretParameters'))
      continue;
    const { policy, options } = await reader.read(use);
    for (const name of policy.secretParameters?.(options) ?? []) names.add(name.toLowerCase());
    if (turns.isOver()) await turns.next();
  }
  return names.size === 0 ? undefined : names;
}
