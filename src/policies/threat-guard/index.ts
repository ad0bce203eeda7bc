import { definePolicy } from '../../policy/contract.ts';
import { threatGuardSchema } from './schema.ts';
import { ThreatGuard } from './threat-guard.ts';

export const threatGuardPolicy = definePolicy({
  name: 'threat-guard',
  stage: 'admission',
  unique: true,
  schema: threatGuardSchema,
  create: (options, context) => new ThreatGuard(options, context, () => performance.now()),
});
