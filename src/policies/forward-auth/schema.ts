import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { duration, size } from '../../lib/units.ts';
import { forwardOption } from '../auth/challenge.ts';

const fieldName = z
  .string()
  .refine(isToken, 'is not a field name')
  .transform((name) => name.toLowerCase());

const fieldNames = (what: string) => z.array(fieldName).max(50).describe(what);

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
    responseHeaders: fieldNames(
      'Fields of a 2xx that the upstream gets: never what a client sends by these names',
    ).default([]),
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
  .describe('Asks a service of your own whether a request may go on, as oauth2-proxy and Traefik do it');

export type ForwardAuthOptions = z.output<typeof forwardAuthSchema>;
