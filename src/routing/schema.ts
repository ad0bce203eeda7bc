import { z } from 'zod';
import { isToken } from '../http/fields.ts';
import { ownerSchema } from '../lib/entity-name.ts';
import { duration, percentage, size } from '../lib/units.ts';
import { fixedAnswerSchema } from '../policy/fixed-answer.ts';

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const host = z
  .string()
  .regex(
    /^(\*\.)?[a-z0-9_]([a-z0-9_-]*)(\.[a-z0-9_-]+)*$|^\[[0-9a-f:.]+\]$/,
    'is not a host: write api.example.com or *.example.com, in small letters and without a port',
  );

/** Exact unless it ends in `/*`; `{name}` captures one whole segment. Percent-encoded and dot segments are refused. */
const path = z.string().regex(/^\/[^?#\s]*$/, 'is not a path: it begins with / and has no query');

function isLiteral(text: string): boolean {
  return !/[{}*]|\/$/.test(text);
}

const fieldNameInSmallLetters = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a field name in small letters');

const valueMatch = z.union([
  z.string().describe('The exact value'),
  z.strictObject({ present: z.boolean().describe('true: the field is there; false: it is not') }),
  z.strictObject({ prefix: z.string().min(1).describe('What the value begins with') }),
]);

const matchSchema = z.strictObject({
  hosts: z.array(host).min(1).optional().describe('Hosts; none means any'),
  paths: z.array(path).min(1).optional().describe('Paths, exact or ending in /*; none means any'),
  methods: z
    .array(z.string().regex(METHOD, 'is not a method'))
    .min(1)
    .optional()
    .describe('Methods; GET includes HEAD'),
  headers: z.record(fieldNameInSmallLetters, valueMatch).optional(),
  query: z.record(z.string(), valueMatch).optional(),
  protocols: z
    .array(z.enum(['http', 'https']))
    .min(1)
    .optional()
    .describe('none means both'),
});

/** One entry: a single key, the policy's name or the path of your own (`./policies/mine.ts`), with its options. */
export const policyListSchema = z
  .array(z.record(z.string(), z.unknown()))
  .describe('In the order in which they run within their stage');

const cookieName = z.string().refine(isToken, 'is not the name of a cookie');

/** Exactly one of the keys must be there. */
function oneOf(keys: readonly string[]) {
  return (value: object, context: z.RefinementCtx): void => {
    const given = keys.filter((key) => (value as Readonly<Record<string, unknown>>)[key] !== undefined);
    if (given.length === 0) context.addIssue({ code: 'custom', message: `needs one of ${keys.join(', ')}` });
    for (const second of given.slice(1))
      context.addIssue({
        code: 'custom',
        path: [second],
        message: `is one too many: it has ${given[0]} already`,
      });
  };
}

const splitBySchema = z
  .strictObject({
    cookie: z
      .strictObject({
        name: cookieName,
        set: z
          .boolean()
          .default(true)
          .describe('Whether the gateway sets the cookie, with a random id, where the client has none'),
        maxAge: duration('How long the client keeps what was set; 0s: until the browser closes').prefault(
          '30d',
        ),
      })
      .optional(),
    header: fieldNameInSmallLetters.optional(),
    address: z.literal(true).optional().describe('The client’s address'),
  })
  .superRefine(oneOf(['cookie', 'header', 'address']))
  .describe('What a client is known by, so that it stays with one service of the split');

const splitOverrideSchema = z
  .strictObject({
    header: fieldNameInSmallLetters.optional(),
    cookie: cookieName.optional(),
    values: z
      .record(z.string().min(1), z.string())
      .optional()
      .describe('Which value stands for which service of the split; none: the value is the service’s name'),
  })
  .superRefine(oneOf(['header', 'cookie']))
  .describe('Lets a request choose its service of the split; any other value is ignored');

const MIN_MIRROR_BUFFER = 1024;
const MAX_MIRROR_BUFFER = 16 * 1024 * 1024;

const mirrorSchema = z
  .strictObject({
    service: z.string().describe('Name from `services`'),
    percent: percentage('Share of the requests that are copied').default(100),
    concurrency: z
      .int()
      .min(1)
      .max(10_000)
      .default(64)
      .describe('Copies under way at a time, per worker; what is beyond is not copied'),
    buffer: size(
      'Octets of a body that may wait for the mirror, 1kb to 16mb; a copy that needs more is given up',
    )
      .refine(
        (bytes) => bytes >= MIN_MIRROR_BUFFER && bytes <= MAX_MIRROR_BUFFER,
        'is not between 1kb and 16mb',
      )
      .prefault('256kb'),
  })
  .describe('Sends a copy of requests to another service too; its answers are thrown away');

export const routeSchema = z.strictObject({
  organization: ownerSchema,
  enabled: z
    .boolean()
    .optional()
    .describe('false: its requests get 404 at once, also where a wider route would take them; default true'),
  match: matchSchema,
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe('Higher wins before any other rule of precedence'),
  policies: policyListSchema.default([]),
  service: z.string().optional().describe('Name from `services`'),
  split: z
    .array(z.strictObject({ service: z.string(), weight: z.int().min(0).max(1000) }))
    .min(1)
    .optional()
    .describe('Several services by weight'),
  splitBy: splitBySchema.optional(),
  splitOverride: splitOverrideSchema.optional(),
  mirror: mirrorSchema.optional(),
  respond: fixedAnswerSchema(200)
    .extend({
      problem: z
        .strictObject({
          code: z
            .string()
            .regex(/^[a-z][a-z0-9_]{0,99}$/, 'is not a code: write it in small letters, with _'),
          detail: z.string().max(1000).optional().describe('A sentence for the client'),
        })
        .optional()
        .describe('Problem details (RFC 9457) of that code instead of `body`, for a status from 400 on'),
    })
    .refine(({ status, problem }) => problem === undefined || status >= 400, {
      path: ['problem'],
      error: 'is for a status from 400 on',
    })
    .refine(({ body, problem }) => problem === undefined || body === '', {
      path: ['problem'],
      error: 'stands instead of a body',
    })
    .optional()
    .describe('A fixed answer'),
  redirect: z
    .strictObject({
      status: z
        .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
        .default(302),
      scheme: z.enum(['http', 'https']).optional(),
      host: z.string().optional(),
      port: z.int().min(1).max(65_535).optional(),
      path: path.optional().describe('As in `rewrite`; the query is kept'),
    })
    .optional(),
  login: z
    .string()
    .optional()
    .describe('Name from `sessions`: the pages of its login, which are below its `path`'),
  rewrite: z
    .strictObject({
      path: path
        .optional()
        .describe('New path; {name} inserts a capture, a final /* what the /* of the match took'),
      stripPrefix: path
        .refine(isLiteral, 'is for a path without captures and *, and without / at its end')
        .optional()
        .describe(
          'What every path of the route begins with, and the service does not see; instead of `path`',
        ),
      host: z
        .string()
        .regex(/^[A-Za-z0-9.:[\]-]+$/, 'is not a host')
        .optional()
        .describe('Host that the service sees'),
    })
    .optional(),
  timeout: duration('Whole request, retries included; 0s is no limit').prefault('0s'),
});

export type ValueMatch = z.output<typeof valueMatch>;
/** A route as the data plane receives it; exactly one of service, split, respond, redirect, login is there. */
export type RouteConfig = z.output<typeof routeSchema>;
