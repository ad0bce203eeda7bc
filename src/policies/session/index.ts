import { Visitors } from '../../identity/sessions/visitors.ts';
import { definePolicy } from '../../policy/contract.ts';
import { AUTHENTICATION } from '../auth/auth-policy.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { checkNames } from './method.ts';
import { sessionPolicySchema } from './schema.ts';
import { SessionAuthenticator } from './session-authenticator.ts';
import { SessionHooks } from './session-hooks.ts';

export const sessionPolicy = definePolicy({
  name: 'session',
  stage: 'authentication',
  family: AUTHENTICATION,
  needs: ['identity'],
  schema: sessionPolicySchema,
  check: (options, context) => checkNames(options, context),
  create({ name, providers, required }, context: BuiltinContext) {
    const { identity } = context;
    // Made to be checked, and closed again.
    if (identity === undefined) return {};
    const sessions = identity.sessionsNamed(name);
    return new SessionHooks({
      authenticator: new SessionAuthenticator(sessions, providers, identity),
      isRequired: required,
      visitors: sessions.config.anonymous ? new Visitors(sessions.config) : undefined,
      clearCookie: (exchange) => sessions.cookie.clear(exchange.request),
      count: (event) => context.count(event),
    });
  },
});
