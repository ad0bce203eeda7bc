import { z } from 'zod';
import { refuseOrigin } from '../../http/allowed-origins.ts';
import { isToken } from '../../http/fields.ts';
import { duration } from '../../lib/units.ts';

const origin = z
  .string()
  .superRefine((text, context) => {
    const reason = text === '*' ? undefined : refuseOrigin(text);
    if (reason !== undefined) context.addIssue({ code: 'custom', message: reason });
  })
  .describe('https://app.example.com, https://*.example.com (any depth below it) or *');

const method = z
  .string()
  .refine(isToken, 'is not a method')
  // Fetch standard, section "CORS protocol": methods are compared case-sensitively, only some are normalised by browsers.
  .refine((text) => text === text.toUpperCase(), 'must be in capital letters, as browsers send it');

const fieldName = z.string().refine(isToken, 'is not a field name');

/** Fields of the CORS protocol that a browser reads literally, not as a wildcard, once credentials are sent. */
const LISTS = ['origins', 'methods', 'headers', 'exposeHeaders'] as const;

export const corsSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('false: no page of another origin may read answers, whatever the service says of it'),
    origins: z.array(origin).min(1).optional().describe('Origins whose pages may read answers'),
    methods: z
      .array(method)
      .min(1)
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('Methods that such a page may use; [*] is any'),
    headers: z
      .array(fieldName)
      .default(['authorization', 'content-type'])
      .describe('Request fields that such a page may set; [*] is any but Authorization'),
    exposeHeaders: z
      .array(fieldName)
      .default([])
      .describe('Answer fields that such a page may read beyond the safe ones'),
    credentials: z.boolean().default(false).describe('Whether cookies and client certificates may go along'),
    maxAge: duration('How long a browser may keep the answer to a preflight; 0s: not at all').prefault('5m'),
    privateNetwork: z
      .boolean()
      .default(false)
      .describe('Whether pages from the public internet may call this route in a private network'),
  })
  .superRefine((options, context) => {
    if (options.enabled && options.origins === undefined)
      context.addIssue({ code: 'custom', path: ['origins'], message: 'is missing: expected a list' });
    if (!options.credentials || !options.enabled) return;
    for (const list of LISTS) {
      if (options[list]?.includes('*') !== true) continue;
      const message =
        list === 'origins'
          ? 'cannot hold * with credentials: browsers refuse such an answer, and any site could act as the user; list the origins'
          : 'cannot hold * with credentials: browsers then take it for a name, not for any; list them';
      context.addIssue({ code: 'custom', path: [list], message });
    }
  })
  .describe('Lets pages of other origins call this route: the CORS protocol of the Fetch standard');

export type CorsOptions = z.output<typeof corsSchema>;
