import { z } from 'zod';

/** Schema of the name of an entry of a collection. Not of digits alone: JavaScript would move such a name to the front, and the order of the file counts. */
export const entityName = z
  .string()
  .regex(
    /^(?!\d+$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/,
    'is not a name: write up to 100 letters, digits, ".", "_" and "-", not digits alone',
  )
  .describe('A name of your choice');

/** Schema of the organization that something of a configuration belongs to. */
export const ownerSchema = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe('Name from `organizations`: whose it is');
