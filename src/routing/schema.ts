import { z } from 'zod';
import { isFieldValue, isToken } from '../http/fields.ts';
import { duration } from '../lib/units.ts';

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const host = z
  .string()
  .regex(
    /^(\*\.)?[a-z0-9_]([a-z0-9_-]*)(\.[a-z0-9_-]+)*$|^\[[0-9a-f:.]+\]$/,
    'is not a host: write api.example.com or *.example.com, in small letters and without a port',
  );

/** Exact unless it ends in `/*`; `{name}` captures one whole segment. Percent-encoded and dot segments are refused. */
const path = z.string().regex(/^\/[^?#\s]*$/, 'is not a path: it begins with / and has no query');

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
  headers: z
    .record(
      z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a field name in small letters'),
      valueMatch,
    )
    .optional(),
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

export const routeSchema = z.strictObject({
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
  respond: z
    .strictObject({
      status: z.int().min(200).max(599).default(200),
      headers: z
        .record(
          z.string().refine(isToken, 'is not a field name'),
          z
            .string()
            .refine(isFieldValue, 'is not a field value: it has a line break or another control character'),
        )
        .default({}),
      body: z.string().default(''),
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
  rewrite: z
    .strictObject({
      path: path
        .optional()
        .describe('New path; {name} inserts a capture, a final /* what the /* of the match took'),
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
/** A route as the data plane receives it; exactly one of service, split, respond, redirect is there. */
export type RouteConfig = z.output<typeof routeSchema>;
