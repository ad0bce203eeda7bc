import { definePolicy } from '../../policy/contract.ts';
import { securityHeadersSchema } from './schema.ts';
import { SecurityHeaders } from './security-headers.ts';

export const securityHeadersPolicy = definePolicy({
  name: 'security-headers',
  stage: 'transform',
  unique: true,
  schema: securityHeadersSchema,
  create: (options) => new SecurityHeaders(options),
});
