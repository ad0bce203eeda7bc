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

export const injectSchema = z
  .strictObject({
    provider: z.string().min(1).describe('One of `providers`'),
    from: z
      .enum(['grant', 'exchange', 'client-credentials'])
      .default('grant')
      .describe(
        'Where the token comes from: what the user’s session has of the provider, an exchange for the caller’s own token (RFC 8693), or the gateway’s own',
      ),
    audience: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe('For whom the token is; of exchange and client-credentials'),
    resource: z
      .url()
      .max(2000)
      .optional()
      .describe('Address of what the token is for (RFC 8707); of the same'),
    scopes: z
      .array(z.string().min(1).max(200))
      .max(100)
      .default([])
      .describe('What the token is to allow; of the same'),
    as: z
      .enum(['bearer', 'token', 'basic', 'header', 'template'])
      .default('bearer')
      .describe('Authorization with Bearer, token or Basic, or a field of another name or form'),
    username: z
      .string()
      .max(200)
      .regex(/^[^:\p{Cc}]*$/u, 'has a colon or a control character')
      .default('oauth2')
      .describe('User name of basic, whose password is the token'),
    header: z
      .string()
      .refine(isToken, 'is not a field name')
      .refine((name) => !NOT_FOR_TOKENS.has(name.toLowerCase()), 'is a field that the gateway writes itself')
      .default('Authorization')
      .describe('Field of header and template'),
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
  })
  .superRefine((options, context) => {
    const problem = readPlacement(options);
    if ('message' in problem)
      context.addIssue({ code: 'custom', message: problem.message, path: [problem.option] });
    if (options.from !== 'grant') return;
    for (const option of ['audience', 'resource'] as const)
      if (options[option] !== undefined)
        context.addIssue({
          code: 'custom',
          message: 'is for `from: exchange` and `from: client-credentials`',
          path: [option],
        });
  })
  .describe('Gives a service the token that it wants, in place of what the client sent');

export type InjectOptions = z.output<typeof injectSchema>;
