import { z } from 'zod';
import { ownerSchema } from '../lib/entity-name.ts';
import { duration } from '../lib/units.ts';
import { fixedAnswerSchema } from '../policy/fixed-answer.ts';
import { addressFault, HTTP_ADDRESS } from './address.ts';
import { balanceSchema, stickySchema } from './balancing/schema.ts';
import { breakerSchema } from './breaker/schema.ts';
import { discoverySchema } from './discovery/schema.ts';
import { activeHealthSchema } from './health/schema.ts';
import { limitsSchema } from './limits/schema.ts';
import { outlierSchema } from './outlier/schema.ts';
import { hedgeSchema, retrySchema } from './retry/schema.ts';

const targetUrl = z
  .string()
  .regex(HTTP_ADDRESS, { error: ({ input }) => addressFault(input) })
  .describe('http://host:port or https://host:port');

const targetSchema = z.strictObject({
  url: targetUrl,
  weight: z.int().min(0).max(1000).default(1).describe('Share of requests; 0 sends none'),
  zone: z.string().min(1).max(100).optional().describe('Where it is, for `balance.zone`'),
});

const fallbackSchema = z
  .strictObject({
    respond: fixedAnswerSchema(503).optional().describe('A fixed answer'),
    service: z
      .string()
      .optional()
      .describe('Name from `services`: it is asked instead. Its own fallback is not'),
  })
  .refine(
    ({ respond, service }) => (respond === undefined) !== (service === undefined),
    'takes exactly one of respond and service',
  );

export const serviceSchema = z.strictObject({
  organization: ownerSchema,
  url: targetUrl.optional().describe('The only target; short for `targets` with one entry'),
  targets: z.array(targetSchema).min(1).optional().describe('Where the service runs'),
  discovery: discoverySchema
    .optional()
    .describe('Who tells where the service runs, instead of `url` and `targets`'),
  balance: balanceSchema.prefault({}),
  sticky: stickySchema.optional(),
  health: z
    .strictObject({
      active: activeHealthSchema
        .optional()
        .describe('Each target is asked, whether there are requests or not'),
      passive: outlierSchema.optional().describe('Targets that fail requests are taken out for a while'),
    })
    .optional()
    .describe('Which targets are well'),
  breaker: breakerSchema
    .optional()
    .describe('While too many requests fail or are slow, they are refused at once with 503'),
  limits: limitsSchema.prefault({}).describe('What the service is given at once, in all workers together'),
  host: z
    .union([z.enum(['preserve', 'target']), z.string().regex(/^[A-Za-z0-9.:[\]-]+$/, 'is not a host name')])
    .default('preserve')
    .describe(
      'Host that the service sees: `preserve` (what the client sent), `target` (the target’s own), or a fixed name',
    ),
  tls: z
    .strictObject({
      serverName: z.string().optional().describe('Name for SNI and verification; default: the target’s host'),
      ca: z
        .string()
        .optional()
        .describe('PEM of the certificate authorities to trust instead of those that Node.js trusts'),
      cert: z.string().optional().describe('PEM of the client certificate'),
      key: z.string().optional().describe('PEM of the client certificate’s key'),
      verify: z.boolean().default(true).describe('false accepts any certificate; for development only'),
    })
    .optional(),
  timeouts: z
    .strictObject({
      connect: duration('To open a connection, TLS included; then 504').prefault('5s'),
      firstByte: duration('From the end of the request to the head of the answer; then 504').prefault('60s'),
      idle: duration(
        'Longest pause within a request body or an answer; then 504 or a broken connection',
      ).prefault('60s'),
      tunnelIdle: duration('Longest silence of a tunnel, such as a WebSocket').prefault('1h'),
    })
    .prefault({})
    .describe('0s switches one off'),
  connections: z
    .strictObject({
      max: z
        .int()
        .min(0)
        .default(0)
        .describe('Open connections to one target, per worker; 0 is no limit. Requests beyond it wait'),
      pending: z
        .int()
        .min(0)
        .default(1024)
        .describe('Requests that may wait for a connection, per target and worker; beyond it 503'),
      idle: z.int().min(0).default(256).describe('Idle connections kept for one target, per worker'),
      idleTimeout: duration('How long an idle connection is kept').prefault('30s'),
      lifetime: duration('Age at which a connection is not used again').prefault('1h'),
    })
    .prefault({}),
  retry: retrySchema.optional().describe('Attempts beyond the first; none without it'),
  hedge: hedgeSchema
    .optional()
    .describe('A second attempt while the first one is slow; the first answer wins'),
  fallback: fallbackSchema
    .optional()
    .describe('Instead of 503 when the breaker is open, a limit is reached or there is no target'),
});

/** A service as the data plane receives it; `targets` is always there after `control/config` normalised `url`. */
export type ServiceConfig = z.output<typeof serviceSchema>;
