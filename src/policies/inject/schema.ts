import { z } from 'zod';
import { isFieldValue, isToken } from '../../http/fields.ts';
import { readPlacement } from './placement.ts';

/** Fields that frame a message or say where it goes: no token belongs there. */
const NOT_FOR_TOKENS = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
]);

const common = {
  provider: z.string().min(1).describe('One of `providers`'),
  as: z
    .enum(['bearer', 'token', 'basic', 'header', 'template'])
    .default('bearer')
    .describe('Authorization with Bearer, token or Basic, or a field of another name or form'),
  username: z
    .string()
    .max(200)
    .regex(/^[^:\p{Cc}]*$/u, 'has a colon or a control character')
    .default('oauth2')
    .describe('User name of Basic, whose password is the token'),
  header: z
    .string()
    .refine(isToken, 'is not a field name')
    .refine((name) => !NOT_FOR_TOKENS.has(name.toLowerCase()), 'is a field that the gateway writes itself')
    .default('Authorization')
    .describe('Field of `header` and `template`'),
  template: z
    .string()
    .min(1)
    .max(2000)
    .refine(isFieldValue, 'is not a field value')
    .optional()
    .describe(
      'Value of the field: ${token} in it is the token, and there are the variables of other templates',
    ),
  required: z
    .boolean()
    .default(true)
    .describe('Whether a request without a token is refused; false sends it on without one'),
};

const wish = {
  audience: z.string().min(1).max(1000).optional().describe('For whom the token is'),
  resource: z.url().max(2000).optional().describe('Address of what the token is for (RFC 8707)'),
  scopes: z.array(z.string().min(1).max(200)).max(100).default([]).describe('What the token is to allow'),
};

export const injectSchema = z
  .discriminatedUnion(
    'from',
    [
      z.strictObject({
        from: z.literal('grant').optional().describe('The token that the user’s session has of the provider'),
        ...common,
      }),
      z.strictObject({
        from: z.literal('exchange').describe('A token in exchange for the caller’s own (RFC 8693)'),
        ...common,
        ...wish,
      }),
      z.strictObject({
        from: z.literal('client-credentials').describe('A token of the gateway’s own, whoever calls'),
        ...common,
        ...wish,
      }),
    ],
    'is not grant, exchange or client-credentials',
  )
  .superRefine((options, context) => {
    const problem = readPlacement(options);
    if ('message' in problem)
      context.addIssue({ code: 'custom', message: problem.message, path: [problem.option] });
  })
  .describe('Gives a service the token that it wants, in place of what the client sent');

export type InjectOptions = z.output<typeof injectSchema>;
