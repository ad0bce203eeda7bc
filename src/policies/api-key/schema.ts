import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { forwardOption, realmOption } from '../auth/challenge.ts';

const names = <Schema extends z.ZodType<string>>(name: Schema, what: string) =>
  z
    .union([name, z.array(name).min(1).max(10)])
    .optional()
    .describe(what);

const fieldName = z.string().refine(isToken, 'is not a field name');
const NAME = /^[!#$&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const plainName = z.string().regex(NAME, 'is not a name of letters, digits, - and _');

export const apiKeySchema = z
  .strictObject({
    header: names(fieldName, 'Fields that may hold the key; x-api-key where no place is named at all'),
    query: names(plainName, 'Query parameters that may hold it'),
    cookie: names(plainName, 'Cookies that may hold it'),
    authorization: z
      .array(z.enum(['bearer', 'apikey']))
      .max(2)
      .default([])
      .describe('Schemes of Authorization that may hold it'),
    prefix: z
      .string()
      .regex(/^[\x21-\x7e]{1,50}$/, 'is of 1 to 50 ASCII characters without a space')
      .optional()
      .describe('What every key begins with: anything else is not taken for one'),
    realm: realmOption,
    forward: forwardOption,
  })
  .describe('Key of a consumer, in a field, a query parameter or a cookie');

export type ApiKeyOptions = z.output<typeof apiKeySchema>;
