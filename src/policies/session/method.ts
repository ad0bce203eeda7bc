import { nearest } from '../../lib/nearest.ts';
import type { CheckContext, OptionProblem } from '../../policy/contract.ts';
import { defineMethod } from '../auth/method.ts';
import { type SessionMethodOptions, sessionMethodSchema } from './schema.ts';
import { SessionAuthenticator } from './session-authenticator.ts';

/** Sessions as one of the ways that `auth` combines. */
export const sessionMethod = defineMethod({
  name: 'session',
  schema: sessionMethodSchema,
  check: checkNames,
  create: ({ name, providers }, { identity }) =>
    new SessionAuthenticator(identity.sessionsNamed(name), providers, identity),
});

/** What the options name has to be in the configuration. */
export function checkNames(
  { name, providers }: SessionMethodOptions,
  context: CheckContext,
): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  if (!context.sessions.has(name))
    problems.push({
      path: ['name'],
      message: `there are no sessions ${JSON.stringify(name)}`,
      suggestion: nearest(name, context.sessions),
    });
  providers.forEach((provider, index) => {
    if (!context.providers.has(provider))
      problems.push({
        path: ['providers', index],
        message: `there is no provider ${JSON.stringify(provider)}`,
        suggestion: nearest(provider, context.providers),
      });
  });
  return problems;
}
