import { z } from 'zod';
import { isFieldValue } from '../../http/fields.ts';
import { duration } from '../../lib/units.ts';
import { fieldName } from '../field-options.ts';

const YEAR_MS = 365 * 86_400_000;

/** Of the directives of a content security policy and of the features of a permissions policy. */
const NAME = /^[a-z][a-z0-9-]*$/;
/** What stands between the separators of either: printable ASCII, without the separators. */
const MEMBER = /^[\x21-\x2b\x2d-\x3a\x3c-\x7e]+$/;

const text = z
  .string()
  .refine((value) => value !== '' && isFieldValue(value), 'is empty or not a field value');
const name = z.string().regex(NAME, 'is not a name: write it in small letters');
const member = z.string().regex(MEMBER, 'holds white space, `,`, `;` or a character beyond ASCII');

export const hstsSchema = z
  .strictObject({
    maxAge: duration('How long a browser keeps to https; 0s: it is to forget').prefault('365d'),
    includeSubDomains: z.boolean().default(true).describe('Whether that goes for all hosts below, too'),
    preload: z.boolean().default(false).describe('Whether browsers may ship with it built in'),
  })
  .superRefine(({ maxAge, includeSubDomains, preload }, context) => {
    // What the list of the browsers demands: https://hstspreload.org
    if (!preload || (maxAge >= YEAR_MS && includeSubDomains)) return;
    const message = 'needs includeSubDomains and a maxAge of 365d at least';
    context.addIssue({ code: 'custom', path: ['preload'], message });
  });

/** `false` comes last: where none of the kinds fits, the first one that nearly does tells what is wrong. */
const off = z.literal(false);

const contentSecurityPolicy = z.union([
  text,
  z.record(name, z.array(member)).refine((map) => Object.keys(map).length > 0, 'has no directive'),
  off,
]);

const permissionsPolicy = z.union([
  text,
  z
    .record(name, z.union([z.array(member), z.literal('*')]))
    .refine((map) => Object.keys(map).length > 0, 'has no feature'),
  off,
]);

function orOff<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, off]);
}

export const securityHeadersSchema = z
  .strictObject({
    hsts: orOff(hstsSchema)
      .prefault({})
      .describe('Strict-Transport-Security, on answers over https alone; false: none'),
    contentSecurityPolicy: contentSecurityPolicy
      .default({ 'base-uri': ["'self'"], 'frame-ancestors': ["'none'"], 'object-src': ["'none'"] })
      .describe('Content-Security-Policy, as text or as lists of sources by directive; false: none'),
    frameOptions: orOff(z.enum(['deny', 'sameorigin']))
      .default('deny')
      .describe('X-Frame-Options, for browsers that do not know frame-ancestors'),
    contentTypeOptions: z.boolean().default(true).describe('X-Content-Type-Options: nosniff'),
    referrerPolicy: orOff(
      z.enum([
        'no-referrer',
        'no-referrer-when-downgrade',
        'origin',
        'origin-when-cross-origin',
        'same-origin',
        'strict-origin',
        'strict-origin-when-cross-origin',
        'unsafe-url',
      ]),
    )
      // Not no-referrer: with it a form's own page sends `Origin: null` (Fetch standard, "append a request Origin header").
      .default('strict-origin-when-cross-origin')
      .describe('Referrer-Policy'),
    permissionsPolicy: permissionsPolicy
      .default({ camera: [], geolocation: [], microphone: [] })
      .describe('Permissions-Policy, as text or as lists of origins by feature'),
    crossOriginOpenerPolicy: orOff(
      z.enum(['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none']),
    )
      .default('same-origin')
      .describe('Cross-Origin-Opener-Policy'),
    crossOriginEmbedderPolicy: orOff(z.enum(['require-corp', 'credentialless', 'unsafe-none']))
      .default(false)
      .describe('Cross-Origin-Embedder-Policy'),
    crossOriginResourcePolicy: orOff(z.enum(['same-origin', 'same-site', 'cross-origin']))
      .default('same-site')
      .describe('Cross-Origin-Resource-Policy'),
    override: z
      .boolean()
      .default(false)
      .describe('Whether these replace what the service set; false: they only add what it left out'),
    remove: z
      .array(fieldName)
      .default(['server', 'x-powered-by'])
      .describe('Fields of the service that tell what it runs on'),
  })
  .describe('Sets the header fields by which browsers protect a page and its users');

export type SecurityHeadersOptions = z.output<typeof securityHeadersSchema>;
