import { z } from 'zod';
import { definePolicy } from '../../policy/contract.ts';
import { AUTHENTICATION } from '../auth/auth-policy.ts';

export const publicPolicy = definePolicy({
  name: 'public',
  stage: 'authentication',
  family: AUTHENTICATION,
  schema: z
    .strictObject({})
    .describe('Says that anybody may call: a global authentication does not hold here'),
  create: () => ({}),
});
