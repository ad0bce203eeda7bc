import { z } from 'zod';
import { fieldName, fieldValue } from '../field-options.ts';

const onePerName = z.record(fieldName, fieldValue);
const manyPerName = z.record(fieldName, z.union([fieldValue, z.array(fieldValue).min(1)]));

const requestFields = {
  remove: z.array(fieldName).default([]).describe('Fields taken away, before anything else'),
  set: onePerName.default({}).describe('Fields that then have this one value'),
  add: manyPerName.default({}).describe('Fields added to those of the same name'),
};

export const headersSchema = z
  .strictObject({
    request: z.strictObject(requestFields).prefault({}).describe('What the upstream receives'),
    response: z
      .strictObject({
        ...requestFields,
        default: onePerName.default({}).describe('Fields set only where the answer has none of that name'),
      })
      .prefault({})
      .describe('What the client receives, in every answer, also one made by the gateway'),
  })
  .describe('Sets, adds and removes header fields');

export type HeadersOptions = z.output<typeof headersSchema>;
export type RequestFieldOptions = HeadersOptions['request'];
export type ResponseFieldOptions = HeadersOptions['response'];
