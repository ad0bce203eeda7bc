import { z } from 'zod';
import { size } from '../../lib/units.ts';
import { schemaProblem } from './compile-schema.ts';
import { maxBytes } from './max-bytes.ts';
import { STYLES } from './parameters.ts';

/** JSON Schema of draft 2020-12; what is wrong with it stands at its place. */
const jsonSchema = z
  .union([z.boolean(), z.record(z.string(), z.unknown())])
  .superRefine((schema, context) => {
    const problem = schemaProblem(schema);
    if (problem !== undefined)
      context.addIssue({ code: 'custom', path: problem.path, message: problem.message });
  })
  .describe('JSON Schema, draft 2020-12');

const mediaRange = z
  .string()
  .regex(
    /^(?:\*\/\*|[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+))(?:\s*;.*)?$/,
    'is not a media type such as application/json, text/* or */*, in small letters',
  );

const content = z
  .record(mediaRange, z.strictObject({ schema: jsonSchema.optional() }))
  .refine((types) => Object.keys(types).length > 0, 'must not be empty')
  .describe('Content types that are taken, with the schema of each; JSON and forms are held against theirs');

const parameters = (description: string) =>
  z
    .strictObject({
      schema: jsonSchema.describe('Schema of an object with a property for each parameter'),
      styles: z
        .record(z.string(), z.enum(STYLES))
        .default({})
        .describe('How parameters that are lists or objects are written, where it is not the usual way'),
    })
    .optional()
    .describe(description);

const bound = (most: number, description: string) => z.int().min(1).max(most).describe(description);

const jsonLimitsSchema = z
  .strictObject({
    depth: bound(512, 'Lists and objects within each other').default(32),
    keys: bound(10_000_000, 'Keys of all objects together, or parameters of a form').default(10_000),
    items: bound(10_000_000, 'Values of one list').default(10_000),
    values: bound(100_000_000, 'Values of all lists together').default(200_000),
    string: size('Longest string, or parameter of a form, as it is written').prefault('256kb'),
  })
  .describe('Limits of JSON and forms, told before anything is made of them');

const responsesSchema = z
  .strictObject({
    mode: z.enum(['report', 'enforce']).describe('report: counts and logs; enforce: answers 502 instead'),
    statuses: z
      .record(
        z.string().regex(/^(?:[1-5]\d\d|[1-5]XX|default)$/, 'is not a status such as 200, 4XX or default'),
        z.strictObject({ content: content.optional() }),
      )
      .describe('Answers by status; one that is not there is wrong'),
    max: maxBytes('Largest answer that is checked; a larger one is passed on by report, refused by enforce'),
  })
  .optional()
  .describe('What the service may answer');

export const validateSchema = z
  .strictObject({
    mode: z
      .enum(['enforce', 'report'])
      .default('enforce')
      .describe('report: requests that are wrong are counted and go on'),
    body: z
      .strictObject({
        required: z.boolean().default(false),
        content,
        encodings: z
          .array(z.enum(['gzip', 'deflate', 'br', 'zstd']))
          .default(['gzip', 'deflate', 'br', 'zstd'])
          .describe('Content encodings that are taken'),
        max: maxBytes('Largest body, also after decompression'),
        ratio: z
          .number()
          .min(1)
          .default(100)
          .describe('Largest ratio of decompression, once 64 KiB came out'),
      })
      .or(z.literal(false))
      .optional()
      .describe('The request’s body; false: it has none'),
    query: parameters('Parameters of the query'),
    headers: parameters('Header fields, by their names in small letters'),
    path: parameters('Captures of the route’s path'),
    cookies: parameters('Cookies'),
    responses: responsesSchema,
    definitions: z
      .record(z.string(), jsonSchema)
      .default({})
      .describe('Schemas that the others refer to as #/definitions/<name>'),
    json: jsonLimitsSchema.prefault({}),
    errors: bound(100, 'How many errors an answer lists at most').default(20),
  })
  .superRefine(({ headers }, context) => {
    for (const name of propertiesOf(headers?.schema))
      if (name !== name.toLowerCase())
        context.addIssue({
          code: 'custom',
          path: ['headers', 'schema', 'properties', name],
          message: `is written in small letters: ${name.toLowerCase()}`,
        });
  })
  .describe('Checks requests, and answers if asked, against JSON Schema');

function propertiesOf(schema: unknown): string[] {
  const properties =
    typeof schema === 'object' && schema !== null && 'properties' in schema ? schema.properties : {};
  return Object.keys(properties ?? {});
}

export type ValidateOptions = z.output<typeof validateSchema>;
