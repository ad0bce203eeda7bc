import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { signatureSchema } from './schema.ts';
import { SignatureAuthenticator } from './signature-authenticator.ts';

export const signatureMethod = defineMethod({
  name: 'signature',
  schema: signatureSchema,
  create: (options, { identity }) =>
    new SignatureAuthenticator(options, identity.consumers.signatureKeys, identity.place.nowMs),
});

export const signaturePolicy = authPolicy(signatureMethod);
