import { definePolicy, type PolicyHooks } from '../../policy/contract.ts';
import { OpaHooks } from './opa.ts';
import { OpaClient } from './opa-client.ts';
import { opaSchema } from './schema.ts';

export const opaPolicy = definePolicy({
  name: 'opa',
  stage: 'authorization',
  schema: opaSchema,
  identityFields: ({ set }) => set,
  create: (options, context): PolicyHooks => new OpaHooks(options, new OpaClient(options), context),
});
