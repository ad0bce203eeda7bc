import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { duration, size } from '../../lib/units.ts';
import { forwardOption } from '../auth/challenge.ts';
import { isOwnField } from '../field-options.ts';
import { identityFieldPattern, lateFieldProblem } from '../identity-field-name.ts';

const fieldName = z
  .string()
  .refine(isToken, 'is not a field name')
  .transform((name) => name.toLowerCase());

const fieldNames = (what: string) => z.array(fieldName).max(50).describe(what);

/** What the upstream gets of an answer: the name of a field, or the beginning of some with `*` behind it. */
const passedField = z
  .string()
  .superRefine((text, context) => {
    const issues = text.endsWith('*')
      ? (identityFieldPattern.safeParse(text).error?.issues ?? []).map(({ message }) => message)
      : [nameProblem(text)];
    for (const message of issues) if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .transform((text) => text.toLowerCase());

function nameProblem(text: string): string | undefined {
  if (!isToken(text) || text.includes('*'))
    return 'is neither a field name nor the beginning of some, such as x-auth-*';
  return isOwnField(text) ? `${text} is a field that the gateway itself sets` : lateFieldProblem(text);
}

export const forwardAuthSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .describe(
        'What is asked with GET: http://auth.internal:4180/oauth2/auth. A 2xx lets the request go on',
      ),
    ca: z
      .string()
      .optional()
      .describe('Authorities that may have signed its certificate, in PEM; default: those of Node.js'),
    requestHeaders: fieldNames('Fields of the request that it gets, beside X-Forwarded-*').default([
      'authorization',
      'cookie',
    ]),
    responseHeaders: z
      .array(passedField)
      .max(50)
      .default([])
      .describe(
        'Fields of a 2xx that the upstream gets, by name or by how they begin, such as x-auth-*: never what a client sends by these names',
      ),
    setCookies: z.boolean().default(false).describe('The client gets the Set-Cookie of a 2xx too'),
    consumer: fieldName
      .optional()
      .describe('Field of a 2xx that says who calls, such as x-auth-request-user'),
    groups: fieldName.optional().describe('Field of a 2xx that lists the groups of the caller'),
    sessionCookies: z
      .array(z.string().min(1).max(200))
      .max(20)
      .default([])
      .describe('Names of its cookies, which the upstream does not get'),
    timeout: duration('For its whole answer; then 503').prefault('2s'),
    maxBody: size('Largest body of an answer that is passed to the client').prefault('64kb'),
    cacheFor: duration('How long a 2xx is remembered; 0s: not at all').prefault('0s'),
    cacheBy: z
      .enum(['request', 'credentials'])
      .default('request')
      .describe(
        'What a remembered answer is for: the same method, host, path and query with the same fields, or the same fields alone',
      ),
    forward: forwardOption,
  })
  .superRefine(({ requestHeaders, responseHeaders }, context) => {
    // What no client may send would never reach the service.
    requestHeaders.forEach((name, index) => {
      const pattern = responseHeaders.find((one) => one.endsWith('*') && name.startsWith(one.slice(0, -1)));
      if (pattern === undefined) return;
      const message = `${name} is one of ${pattern} in responseHeaders, which no client may send: name the fields of the answer there`;
      context.addIssue({ code: 'custom', path: ['requestHeaders', index], message });
    });
  })
  .describe('Asks a service of your own whether a request may go on, as oauth2-proxy and Traefik do it');

export type ForwardAuthOptions = z.output<typeof forwardAuthSchema>;
