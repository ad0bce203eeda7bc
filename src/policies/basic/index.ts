import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { BasicAuthenticator } from './basic-authenticator.ts';
import { basicSchema } from './schema.ts';

export const basicMethod = defineMethod({
  name: 'basic',
  schema: basicSchema,
  create: (options, { identity }) => new BasicAuthenticator(options, identity.consumers.users),
});

export const basicPolicy = authPolicy(basicMethod);
