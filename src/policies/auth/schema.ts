import { z } from 'zod';
import { authMethods } from './methods.ts';

/** Each method under its name: exactly one of them stands there. */
const methodShape = Object.fromEntries(
  Array.from(authMethods, ([name, { schema }]) => [name, schema.optional()]),
);

const ONE_METHOD = {
  error: 'names one method: write an entry for each',
  // A misspelt name is told of, and that is enough.
  when: ({ issues }: { readonly issues: readonly unknown[] }) => issues.length === 0,
};

const leafSchema = z
  .strictObject(methodShape)
  .refine(hasOneMember, ONE_METHOD)
  .describe('A method by its name, with its options: { basic: {} }');

const list = <Schema extends z.ZodType>(schema: Schema, what: string) =>
  z.array(schema).min(1).max(20).optional().describe(what);

const entrySchema = z
  .strictObject({
    ...methodShape,
    any: list(leafSchema, 'One of these is enough'),
    all: list(leafSchema, 'Each of these is needed'),
  })
  .refine(hasOneMember, ONE_METHOD)
  .describe('A method by its name, with its options; or any or all of several');

export const authSchema = z
  .strictObject({
    any: list(entrySchema, 'Methods of which one is enough: the first that knows the caller says who it is'),
    all: list(entrySchema, 'Methods that each have to know the caller: the first says who it is'),
    optional: z
      .boolean()
      .default(false)
      .describe('A request without credentials goes on as nobody; wrong ones are refused all the same'),
  })
  .refine(({ any, all }) => (any === undefined) !== (all === undefined), {
    message: 'needs one of any, all',
  })
  .describe('Finds out who calls, by several ways combined');

/** Of `auth`: a method's name and options as its schema read them, or a combination. */
export type AuthEntry = Readonly<Record<string, unknown>>;

function hasOneMember(entry: Readonly<Record<string, unknown>>): boolean {
  return Object.values(entry).filter((value) => value !== undefined).length === 1;
}
