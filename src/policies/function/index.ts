import { definePolicy } from '../../policy/contract.ts';
import { FunctionCall } from './function-call.ts';
import { ORGANIZATION_FIELD } from './organization-field.ts';
import { functionPolicySchema } from './schema.ts';

export const functionPolicy = definePolicy({
  name: 'function',
  // Before those of the stage transform, so that what they put into the request's head reaches the function service.
  stage: 'validation',
  unique: true,
  schema: functionPolicySchema,
  // Whichever service a client's request goes to: it may be one that takes calls of functions.
  identityFields: () => [ORGANIZATION_FIELD],
  create: (options) => new FunctionCall(options),
});
