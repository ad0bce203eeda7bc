import { definePolicy } from '../../policy/contract.ts';
import { checkIpFilter } from './check.ts';
import { IpFilter } from './ip-filter.ts';
import { ipFilterSchema } from './schema.ts';

export const ipFilterPolicy = definePolicy({
  name: 'ip-filter',
  stage: 'admission',
  schema: ipFilterSchema,
  check: checkIpFilter,
  create: (options, context) => new IpFilter(options, context),
});
