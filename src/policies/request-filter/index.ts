import { definePolicy } from '../../policy/contract.ts';
import { checkRequestFilter } from './check.ts';
import { RequestFilter } from './request-filter.ts';
import { requestFilterSchema } from './schema.ts';

export const requestFilterPolicy = definePolicy({
  name: 'request-filter',
  stage: 'admission',
  schema: requestFilterSchema,
  check: checkRequestFilter,
  create: (options, context) => new RequestFilter(options, context),
});
