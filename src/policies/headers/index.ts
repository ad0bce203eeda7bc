import { definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { FieldChanges } from './changes.ts';
import { headersSchema } from './schema.ts';

export const headersPolicy = definePolicy({
  name: 'headers',
  stage: 'transform',
  schema: headersSchema,
  create(options): PolicyHooks {
    const request = new FieldChanges(options.request);
    const response = new FieldChanges(options.response);
    if (request.isEmpty && response.isEmpty)
      throw new Error('there is nothing to do: neither `request` nor `response` changes a field');
    return {
      ...(!request.isEmpty && {
        onRequest: (exchange: Exchange) => request.apply(exchange.request.fields, exchange),
      }),
      ...(!response.isEmpty && {
        onResponse: (exchange: Exchange) => response.apply(exchange.response.fields, exchange),
      }),
    };
  },
});
