import { definePolicy } from '../../policy/contract.ts';
import { threatGuardSchema } from './schema.ts';

export const threatGuardPolicy = definePolicy({
  name: 'threat-guard',
  stage: 'admission',
  unique: true,
  schema: threatGuardSchema,
  async create(options, context) {
    // Only where it is used: its table takes 10 ms to build, in every thread.
    const { ThreatGuard } = await import('./threat-guard.ts');
    return new ThreatGuard(options, context, () => performance.now());
  },
});
