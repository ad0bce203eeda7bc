import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { checkNames } from '../session/method.ts';
import { PersonalTokenAuthenticator } from './personal-token-authenticator.ts';
import { personalTokenSchema } from './schema.ts';

export const personalTokenMethod = defineMethod({
  name: 'personal-access-token',
  schema: personalTokenSchema,
  check: checkNames,
  create: ({ name, providers }, { identity }) =>
    new PersonalTokenAuthenticator(identity.sessionsNamed(name), providers, identity),
});

export const personalTokenPolicy = authPolicy(personalTokenMethod);
