import type { Authenticator } from '../../identity/authenticator.ts';
import type { CheckContext, OptionProblem } from '../../policy/contract.ts';
import { definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { AllOf } from './all-of.ts';
import { AnyOf } from './any-of.ts';
import { AuthHooks } from './auth-hooks.ts';
import { AUTHENTICATION } from './auth-policy.ts';
import type { AuthMethod, MethodContext } from './method.ts';
import { authMethods } from './methods.ts';
import { type AuthEntry, authSchema } from './schema.ts';

const COMBINATIONS = { any: AnyOf, all: AllOf } as const;

export const authPolicy = definePolicy({
  name: 'auth',
  stage: 'authentication',
  family: AUTHENTICATION,
  needs: ['identity'],
  schema: authSchema,
  check: ({ any, all }, context) => problemsIn({ any, all }, context, []),
  identityFields: ({ any, all }) => namesOf({ any, all }, 'identityFields'),
  credentialFields: ({ any, all }) => namesOf({ any, all }, 'credentialFields'),
  secretParameters: ({ any, all }) => namesOf({ any, all }, 'secretParameters'),
  async create({ any, all, optional }, context: BuiltinContext) {
    const { identity } = context;
    // Made to be checked, and closed again.
    if (identity === undefined) return {};
    return new AuthHooks(await made({ any, all }, { ...context, identity }), optional, context);
  },
});

/** The one member that says something. */
function memberOf(entry: AuthEntry): readonly [name: string, options: unknown] {
  return Object.entries(entry).find(([, options]) => options !== undefined) as [string, unknown];
}

async function made(entry: AuthEntry, context: MethodContext): Promise<Authenticator> {
  const [name, options] = memberOf(entry);
  if (name !== 'any' && name !== 'all') return (authMethods.get(name) as AuthMethod).create(options, context);
  const members: Authenticator[] = [];
  try {
    for (const member of options as readonly AuthEntry[]) members.push(await made(member, context));
  } catch (error) {
    for (const member of members) member.close?.();
    throw error;
  }
  return new COMBINATIONS[name](members);
}

type NameKind = 'identityFields' | 'credentialFields' | 'secretParameters';

/** What the methods that it names have of that kind. */
function namesOf(entry: AuthEntry, kind: NameKind): readonly string[] {
  const [name, options] = memberOf(entry);
  if (name === 'any' || name === 'all')
    return (options as readonly AuthEntry[]).flatMap((member) => namesOf(member, kind));
  return authMethods.get(name)?.[kind]?.(options) ?? [];
}

function problemsIn(
  entry: AuthEntry,
  context: CheckContext,
  path: OptionProblem['path'],
): readonly OptionProblem[] {
  const [name, options] = memberOf(entry);
  const at = [...path, name];
  if (name === 'any' || name === 'all')
    return (options as readonly AuthEntry[]).flatMap((member, index) =>
      problemsIn(member, context, [...at, index]),
    );
  const problems = authMethods.get(name)?.check?.(options, context) ?? [];
  return problems.map((problem) => ({ ...problem, path: [...at, ...problem.path] }));
}
