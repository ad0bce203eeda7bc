import { z } from 'zod';
import { keptSchema } from '../../../upstream/discovery/registry/registration.ts';

/** Shapes of what the admin port answers of the running gateway, outside `/v1`. */

const time = z.iso.datetime();
const count = z.int().min(0);
const place = z
  .looseObject({})
  .optional()
  .describe('Where it stands in the configuration: file, line and column');
const breaker = z.looseObject({}).optional().describe('How its circuit breaker is');

const target = z.looseObject({
  url: z.string(),
  weight: z.number(),
  zone: z.string().optional(),
  tags: z.array(z.string()).optional(),
  draining: z.boolean(),
  health: z.string(),
  lastCheck: z
    .looseObject({ at: time, passed: z.boolean(), cause: z.string().optional(), tookMs: z.number() })
    .optional(),
  ejected: z.boolean(),
  ejectedForMs: z.number().describe('How long it still is out'),
  inFlight: count,
  breaker,
});

const service = z.looseObject({
  source: z
    .looseObject({ state: z.string(), cause: z.string().optional(), since: time.optional() })
    .optional()
    .describe('Where its targets come from, where that is not the configuration'),
  counts: z.strictObject({
    targets: count,
    usable: count.describe('That a balancer may choose'),
    down: count,
    ejected: count,
    draining: count,
  }),
  inFlight: count.describe('Requests of clients, in all workers'),
  pending: count,
  retries: count,
  breaker,
  targets: z.array(target),
});

const registered = z.strictObject({
  ...keptSchema.shape,
  expiresInMs: z.number().describe('Without another heartbeat'),
});

export const GATEWAY_SCHEMAS = {
  Version: z.strictObject({ version: z.string().describe('Of Portcullis'), node: z.string() }),
  ConfigurationInForce: z.looseObject({}).describe('With its defaults, without secrets'),
  Reload: z.union([
    z.strictObject({ result: z.literal('unchanged') }),
    z.strictObject({
      result: z.literal('applied'),
      changes: z.unknown().describe('What differs from the configuration before'),
      warnings: z.array(z.unknown()),
    }),
  ]),
  Explanation: z
    .looseObject({
      request: z.strictObject({ method: z.string(), url: z.string() }),
      route: z
        .looseObject({
          name: z.string(),
          place,
          pattern: z.string().optional(),
          captures: z.record(z.string(), z.string()),
          preflightFor: z.string().optional(),
        })
        .optional()
        .describe('None: no route takes it'),
      policies: z
        .array(
          z.looseObject({ name: z.string(), stage: z.string(), from: z.enum(['global', 'route']), place }),
        )
        .describe('In the order in which they see the request'),
      outcome: z.looseObject({
        kind: z.enum([
          'service',
          'disabled',
          'respond',
          'redirect',
          'login',
          'not_found',
          'method_not_allowed',
        ]),
      }),
      others: z.array(z.looseObject({ route: z.string(), reason: z.string(), detail: z.string(), place })),
    })
    .describe('Which route takes a request, and why each other does not'),
  Services: z.union([service, z.record(z.string(), service)]),
  AcmeCertificates: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['pending', 'ready', 'error']),
      renewAt: time.optional(),
      isServed: z.boolean().describe('Whether this node serves the one that was issued last'),
      reason: z.string().optional().describe('Why the last order failed, or why it is not served'),
      failures: count.describe('Orders that failed since the last one that did not'),
      retryAt: time.optional(),
      orders: z.strictObject({ issued: count, failed: count }).describe('Of this node since it was started'),
    }),
  ),
  RegisteredTarget: registered,
  RegisteredTargets: z.strictObject({ targets: z.array(registered) }),
  Quotas: z.strictObject({
    quotas: z.array(
      z.strictObject({
        consumer: z.string(),
        plan: z.string(),
        per: z.string(),
        used: z.number(),
        limit: z.number(),
        start: time,
        reset: time,
      }),
    ),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>;
