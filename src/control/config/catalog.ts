import { core, type z } from 'zod';
import { messageOf } from '../../lib/message-of.ts';
import { AddressLists, type AddressListsData } from '../../policies/address-lists.ts';
import { validatePolicyUse } from '../../policies/compile.ts';
import { loadPolicy } from '../../policies/load.ts';
import { builtinPolicies } from '../../policies/registry.ts';
import type { PolicyUse } from '../../policies/use.ts';
import type { CheckContext } from '../../policy/contract.ts';
import type { LoadedLists } from './address-lists.ts';
import { problemsFromIssues } from './issues.ts';
import type { Problem } from './problem.ts';

/** What the checks of policies look at beside their options. */
export interface PolicySurroundings extends CheckContext {
  readonly lists: LoadedLists;
}

/** The policies that a configuration may use. */
export interface PolicyCatalog {
  /** Names of the built-in ones. */
  names(): readonly string[];
  /** Whether what a built-in policy says of a use may be another where something around it is another. */
  looksAround(name: string): boolean;
  /**
   * What is wrong with one use; paths are within its options, and empty for the policy itself. Does not reject.
   * A built-in policy is asked once about a use for as long as loads know it and what is around it: its answer must follow from these alone.
   */
  validate(use: PolicyUse, around: PolicySurroundings): Promise<readonly Problem[]>;
}

/** How long a policy may take to be loaded and made: one that waits for ever would keep every later reload from running. */
const LIMIT_MS = 10_000;

/**
 * The gateway's own policies, and modules of users, which are loaded into this thread to be checked. What they throw becomes a problem;
 * `process.exit` and what they throw later cannot be kept from the thread.
 */
export function builtinCatalog({ limitMs = LIMIT_MS }: { readonly limitMs?: number } = {}): PolicyCatalog {
  return {
    names: () => [...builtinPolicies.keys()],
    looksAround: (name) => builtinPolicies.get(name)?.has.includes('check') ?? false,
    async validate(use, around) {
      const { promise, resolve } = Promise.withResolvers<readonly Problem[]>();
      const timer = setTimeout(
        () => resolve([{ path: [], message: `the policy ${use.name} is not ready within ${limitMs} ms` }]),
        limitMs,
      );
      try {
        return await Promise.race([promise, check(use, around)]);
      } catch (error) {
        return [{ path: [], message: messageOf(error) }];
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function check(use: PolicyUse, around: PolicySurroundings): Promise<readonly Problem[]> {
  const policy = await loadPolicy(use);
  const parsed = await parse(policy.schema, use.options);
  if (!parsed.success) return problemsFromIssues(parsed.error.issues, use.options, policy.schema);
  const problems = policy.check?.(parsed.data, around) ?? [];
  if (problems.length > 0) return problems;
  // Some policies see only when they are made that their options do not fit together.
  return validatePolicyUse(use, new AddressLists(listsData(around.lists)));
}

/** The lists as workers get them. */
export function listsData(lists: LoadedLists): AddressListsData {
  return Object.fromEntries(Array.from(lists, ([name, { data }]) => [name, data]));
}

/** Asynchronous only where the schema is: the other way is several times faster. */
function parse(schema: z.ZodType, options: unknown) {
  try {
    return schema.safeParse(options);
  } catch (error) {
    if (error instanceof core.$ZodAsyncError) return schema.safeParseAsync(options);
    throw error;
  }
}
