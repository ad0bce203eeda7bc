import { definePolicy, type PolicyHooks } from '../../policy/contract.ts';
import { LoadShedder } from './load-shedder.ts';
import { loadShedSchema } from './schema.ts';

export const loadShedPolicy = definePolicy({
  name: 'load-shed',
  stage: 'admission',
  unique: true,
  schema: loadShedSchema,
  create(options, context): PolicyHooks {
    const { priority } = options;
    return priority === 'critical' ? {} : new LoadShedder({ ...options, priority }, context, Math.random);
  },
});
