import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { size } from '../../lib/units.ts';
import { isSecretField } from '../../observability/secrets.ts';

const MAX_BYTES = 16 * 1024 * 1024;

const fieldName = z
  .string()
  .refine(isToken, 'is not a field name')
  .transform((text) => text.toLowerCase());

const bodySize = (description: string) =>
  size(description)
    .refine((bytes) => bytes > 0 && bytes <= MAX_BYTES, 'is not between 1b and 16mb')
    .prefault('1mb');

/** How a function is called, wherever that is written: of `functions` and of the policy. */
export const functionShape = {
  path: z
    .string()
    .regex(
      /^\/[\x21-\x7e]*$/,
      'is not a path: it begins with / and has neither white space nor letters beyond ASCII',
    )
    .refine((text) => !/[?#]/.test(text), 'has a query or a fragment')
    .default('/')
    .describe('Where the function service takes calls'),
  headers: z
    .array(fieldName.refine((name) => !isSecretField(name), 'carries secrets: no function is told of it'))
    .max(50)
    .default([])
    .describe('Fields of the request that the function is told of, as `httpContext.headers`'),
  blockingHeader: fieldName
    .optional()
    .describe('Field by which a client says whether it waits for the output: true, the default, or false'),
  answer: z
    .enum(['output', 'http'])
    .default('output')
    .describe(
      'output: the output is the body of the answer, as JSON. http: the output has `status`, `headers` and `body` of the answer',
    ),
  maxInput: bodySize('Largest body of a request; beyond it 413'),
  maxOutput: bodySize('Largest answer of the function service; beyond it 502'),
};

const functionName = z
  .string()
  .regex(
    /^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/,
    'is not the name of a function: up to 200 printable characters',
  );

export const functionPolicySchema = z
  .strictObject({
    name: functionName.describe('What the function service knows the function by: `functionName`'),
    organization: z
      .string()
      .regex(/^[\x21-\x7e]{1,100}$/, 'is not the name of an organization')
      .optional()
      .describe('Whose function it is: the function service is told in the field Portcullis-Organization'),
    ...functionShape,
  })
  .describe('Turns a request into the call of a function, and its output into the answer');

export type FunctionOptions = z.output<typeof functionPolicySchema>;

/** Of `functions`: the name of the entry is that of the function where `functionName` says nothing else. */
export const namedFunctionShape = { functionName: functionName.optional(), ...functionShape };
