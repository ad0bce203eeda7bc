import { definePolicy } from '../../policy/contract.ts';
import { FunctionCall } from './function-call.ts';
import { functionPolicySchema } from './schema.ts';

export const functionPolicy = definePolicy({
  name: 'function',
  // Before those of the stage transform, so that what they put into the request's head reaches the function service.
  stage: 'validation',
  unique: true,
  schema: functionPolicySchema,
  create: (options) => new FunctionCall(options),
});
