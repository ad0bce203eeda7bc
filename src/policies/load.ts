import { nearest } from '../lib/nearest.ts';
import { type Policy, STAGES } from '../policy/contract.ts';
import { builtinPolicies } from './registry.ts';
import type { PolicyUse } from './use.ts';

/**
 * The policy that a configuration names: a built-in one, or a user's own module, which must export it as `policy`.
 * Rejects with an Error whose message tells the user what to change.
 */
export async function loadPolicy(use: PolicyUse): Promise<Policy> {
  if (use.module !== undefined) return loadModule(use.name, use.module);
  const policy = builtinPolicies.get(use.name);
  if (policy) return policy;
  const near = nearest(use.name, builtinPolicies.keys());
  const known = [...builtinPolicies.keys()].join(', ');
  throw new Error(
    `there is no policy ${JSON.stringify(use.name)}: ${near === undefined ? `the built-in ones are ${known}; the path of your own begins with ./` : `did you mean ${near}?`}`,
  );
}

async function loadModule(name: string, url: string): Promise<Policy> {
  // Not before it is needed: whoever has no policy of their own pays nothing for the hook.
  await import('./reload-hooks.ts');
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(url);
  } catch (error) {
    throw new Error(`the policy ${name} cannot be loaded: ${reasonOf(error)}`, { cause: error });
  }
  if (!('policy' in module)) {
    const others = Object.keys(module).filter((key) => key !== 'default');
    const found =
      others.length > 0
        ? `, only ${others.join(', ')}`
        : 'default' in module
          ? ', only a default export'
          : '';
    throw new Error(
      `the policy ${name} has no export named policy${found}: write export const policy = definePolicy({ ... })`,
    );
  }
  checkShape(name, module['policy']);
  return module['policy'];
}

function checkShape(name: string, value: unknown): asserts value is Policy {
  const fail = (what: string): never => {
    throw new Error(`the policy ${name} is not shaped like a policy: ${what}`);
  };
  if (typeof value !== 'object' || value === null)
    return fail(`its export is ${describe(value)}, not an object`);
  const policy = value as Readonly<Record<string, unknown>>;
  if (typeof policy['name'] !== 'string' || policy['name'] === '') fail('`name` must be a text');
  const stage = policy['stage'];
  if (typeof stage !== 'string' || !(STAGES as readonly string[]).includes(stage)) {
    fail(`\`stage\` is ${describe(stage)}, not one of ${STAGES.join(', ')}`);
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

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return typeof value === 'string' ? JSON.stringify(value) : typeof value;
}

/** What went wrong, with file and line where the runtime says them, without the version of the module's address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = withoutVersion(error.message);
  // A syntax error's stack begins with file:line; of what the module threw, the first frame in a versioned file is the place.
  const stack = error.stack ?? '';
  const place =
    AT_BEGINNING.exec(withoutVersion(stack))?.[1] ?? withoutVersion(IN_FRAME.exec(stack)?.[1] ?? '');
  return place === '' || message.includes(place) ? message : `${message} (${place})`;
}

const AT_BEGINNING = /^(?:file:\/\/)?(\/.*:\d+)\n/;
const IN_FRAME = /^\s+at (?:.*\()?file:\/\/(\/[^()\n]*\?v=[\w-]+:\d+):\d+\)?$/m;

function withoutVersion(text: string): string {
  return text.replaceAll(/\?v=[\w-]+/g, '');
}
