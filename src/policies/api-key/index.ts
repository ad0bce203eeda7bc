import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { ApiKeyAuthenticator, fieldsOf, listed } from './api-key-authenticator.ts';
import { apiKeySchema } from './schema.ts';

export const apiKeyMethod = defineMethod({
  name: 'api-key',
  schema: apiKeySchema,
  credentialFields: fieldsOf,
  secretParameters: ({ query }) => listed(query),
  create: (options, { identity }) => new ApiKeyAuthenticator(options, identity.consumers.apiKeys),
});

export const apiKeyPolicy = authPolicy(apiKeyMethod);
