import { z } from 'zod';
import { ownerSchema } from '../lib/entity-name.ts';
import { textFault } from '../lib/text-list.ts';
import { addressOption } from './address-option.ts';

/** Country codes of ISO 3166-1. */
const country = z
  .string()
  .regex(/^[A-Z]{2}$/, 'is not the code of a country: write two capital letters, such as DE');

const text = z.string().superRefine((entry, context) => {
  const message = textFault(entry);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** One of these: entries written here, entries of a file, or countries of a database. */
export const addressListSchema = z
  .strictObject({
    organization: ownerSchema,
    addresses: z.array(addressOption).optional().describe('The entries themselves'),
    texts: z
      .array(text)
      .optional()
      .describe('Texts that a path or the value of a field is compared with, exactly'),
    prefixes: z.array(text).optional().describe('What a path or the value of a field begins with'),
    file: z
      .string()
      .min(1)
      .optional()
      .describe('File with an entry in each line; # begins a comment. A change takes effect at once'),
    holds: z
      .enum(['addresses', 'texts', 'prefixes'])
      .optional()
      .describe('What stands in the file; default: addresses'),
    countries: z.array(country).min(1).optional().describe('Codes such as DE, of the database'),
    database: z
      .string()
      .min(1)
      .optional()
      .describe('File in MaxMind’s format (.mmdb) that tells the country of an address'),
  })
  .superRefine(({ addresses, texts, prefixes, file, holds, countries, database }, context) => {
    const given = [
      addresses !== undefined && 'addresses',
      texts !== undefined && 'texts',
      prefixes !== undefined && 'prefixes',
      file !== undefined && 'file',
      (countries ?? database) !== undefined && 'countries',
    ].filter((source) => source !== false);
    if (given.length === 0)
      context.addIssue({
        code: 'custom',
        message: 'needs one of addresses, texts, prefixes, file, countries',
      });
    for (const second of given.slice(1))
      context.addIssue({
        code: 'custom',
        path: [second],
        message: `is one too many: the list has ${given[0]} already`,
      });
    if (holds !== undefined && file === undefined)
      context.addIssue({
        code: 'custom',
        path: ['holds'],
        message: 'says what stands in a file: there is none',
      });
    if (countries !== undefined && database === undefined)
      context.addIssue({
        code: 'custom',
        path: ['countries'],
        message: 'needs a database that knows which addresses are theirs',
      });
    if (database !== undefined && countries === undefined)
      context.addIssue({
        code: 'custom',
        path: ['database'],
        message: 'needs countries, those of the list',
      });
  })
  .describe('A list of addresses or texts');
