import { nearest } from '../lib/nearest.ts';
import { describeValue, loadUserModule } from '../lib/user-module.ts';
import { type Policy, STAGES } from '../policy/contract.ts';
import { builtinPolicies } from './registry.ts';
import type { PolicyUse } from './use.ts';

/**
 * The policy that a configuration names: a built-in one, or a user's own module, which must export it as `policy`.
 * Rejects with an Error whose message tells the user what to change.
 */
export async function loadPolicy(use: PolicyUse): Promise<Policy> {
  if (use.module !== undefined) return loadModule(use.name, use.module);
  const builtin = builtinPolicies.get(use.name);
  if (builtin !== undefined) return builtin.load();
  const near = nearest(use.name, builtinPolicies.keys());
  const known = [...builtinPolicies.keys()].join(', ');
  throw new Error(
    `there is no policy ${JSON.stringify(use.name)}: ${near === undefined ? `the built-in ones are ${known}; the path of your own begins with ./` : `did you mean ${near}?`}`,
  );
}

async function loadModule(name: string, url: string): Promise<Policy> {
  const example = 'export const policy = definePolicy({ ... })';
  const policy = await loadUserModule(`the policy ${name}`, url, 'policy', example);
  checkShape(name, policy);
  return policy;
}

function checkShape(name: string, value: unknown): asserts value is Policy {
  const fail = (what: string): never => {
    throw new Error(`the policy ${name} is not shaped like a policy: ${what}`);
  };
  if (typeof value !== 'object' || value === null)
    return fail(`its export is ${describeValue(value)}, not an object`);
  const policy = value as Readonly<Record<string, unknown>>;
  if (typeof policy['name'] !== 'string' || policy['name'] === '') fail('`name` must be a text');
  const stage = policy['stage'];
  if (typeof stage !== 'string' || !(STAGES as readonly string[]).includes(stage)) {
    fail(`\`stage\` is ${describeValue(stage)}, not one of ${STAGES.join(', ')}`);
  }
  if (policy['stageOf'] !== undefined && typeof policy['stageOf'] !== 'function')
    fail('`stageOf` must be a function');
  const schema = policy['schema'] as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof schema !== 'object' || schema === null || typeof schema['safeParseAsync'] !== 'function') {
    fail('`schema` must be a zod schema, such as z.strictObject({})');
  }
  if (typeof policy['create'] !== 'function') fail('`create` must be a function');
  if (policy['check'] !== undefined && typeof policy['check'] !== 'function')
    fail('`check` must be a function');
}
