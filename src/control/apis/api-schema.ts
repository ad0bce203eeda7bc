import { z } from 'zod';
import { ownerSchema } from '../../lib/entity-name.ts';
import { duration, rate, size } from '../../lib/units.ts';
import { corsSchema } from '../../policies/cors/schema.ts';
import { httpsOnlySchema } from '../../policies/https-only/schema.ts';
import { maxBytes } from '../../policies/validate/max-bytes.ts';
import { policyListSchema, routeSchema } from '../../routing/schema.ts';

const { hosts, paths, methods } = routeSchema.shape.match.shape;

/** Authentication policies that need no options. */
const PLAIN_AUTHENTICATION = ['public', 'basic', 'api-key', 'signature', 'personal-access-token'] as const;

/** A misspelt key is told of, and that is enough. */
function isSoFarRight({ issues }: { readonly issues: readonly unknown[] }): boolean {
  return issues.length === 0;
}

const oidcSchema = z
  .strictObject({
    provider: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('A name of `providers`: its tokens are accepted'),
    audience: z.string().min(1).max(500).optional().describe('The tokens are for this: `aud`'),
    anyAudience: z
      .literal(true)
      .optional()
      .describe('Takes tokens whoever they are for: only where the provider has no other service'),
    session: z.string().min(1).optional().describe('One of `sessions`: browsers log in'),
  })
  .refine(({ provider, session }) => provider !== undefined || session !== undefined, {
    error: 'needs provider, for tokens, or session, for browsers',
    when: isSoFarRight,
  })
  .refine(
    ({ provider, audience, anyAudience }) =>
      provider !== undefined || (audience ?? anyAudience) === undefined,
    { error: 'has an audience, which is for the tokens of a provider: name it too', when: isSoFarRight },
  )
  .describe('Users of an identity provider, by its tokens, by a login in the browser, or by either');

const use = z
  .record(z.string(), z.unknown())
  // Whatever is wrong with that is said where it is described.
  .refine((entry) => !Object.hasOwn(entry, 'oidc'), 'stands for several policies: write it alone')
  .describe('An authentication policy with its options');

const authenticationSchema = z
  .union([
    z.enum(PLAIN_AUTHENTICATION),
    z.strictObject({ oidc: oidcSchema }),
    use,
    z.array(use).min(1).max(20),
  ])
  .describe(
    'Who may call: public, basic, api-key, signature, personal-access-token, { oidc: … }, any authentication policy with its options, or a list of those of which one is enough. Default: as the policies of every route say',
  );

/** Shorthands of `limits`. */
const limitsSchema = z
  .strictObject({
    rate: rate('Requests in a time, such as 100/min, of each caller').optional(),
    quota: rate('Requests in a longer time, such as 10000/d, of each caller; the time slides').optional(),
    concurrency: z.int().min(1).max(1_000_000).optional().describe('Requests of each caller at one time'),
    plan: z.boolean().default(false).describe('Whether callers are held to their plans'),
    body: size('Largest request body; beyond it 413').optional(),
    timeout: duration('Whole request, retries included; 0s is no limit').optional(),
  })
  .describe('How much may be asked of it');

export const validateSchema = z
  .strictObject({
    request: z.boolean().default(true).describe('Requests are held against the document'),
    response: z
      .enum(['off', 'report', 'enforce'])
      .default('off')
      .describe('Answers: report counts and logs those that are wrong, enforce answers 502 instead'),
    undescribedBody: z
      .enum(['refuse', 'pass'])
      .default('refuse')
      .describe('Bodies of requests whose operation has no requestBody'),
    max: maxBytes('Largest body that is taken, of requests and of answers'),
  })
  .prefault({});

export const apiSchema = z
  .strictObject({
    organization: ownerSchema,
    enabled: z
      .boolean()
      .default(true)
      .describe('false: its requests get 404 at once, also where a wider route would take them'),
    openapi: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File of an OpenAPI document, 3.0 or 3.1, in YAML or JSON; each of its operations becomes a route. Instead of `paths` and `methods`',
      ),
    hosts: hosts.describe(
      'Hosts; none means any, and then its paths are below the path prefix of its organization',
    ),
    paths: paths.describe('Paths, exact or ending in /*; none means any'),
    methods: methods.describe('Methods; GET includes HEAD; none means any'),
    protocols: z
      .union([
        z.enum(['http', 'https', 'both']),
        z.strictObject({ https: httpsOnlySchema.describe('https alone, as the policy https-only says') }),
      ])
      .default('both')
      .describe('http alone, https alone (others get 426), both, or https alone with options'),
    priority: routeSchema.shape.priority.describe(
      'Higher goes first where several routes or APIs take one request, before any other rule',
    ),
    service: z.string().optional().describe('Name from `services`, which may be made later'),
    function: z
      .string()
      .optional()
      .describe('Name from `functions`, which may be made later; instead of `service`'),
    authentication: authenticationSchema.optional(),
    cors: z
      .union([z.boolean(), z.literal('service'), corsSchema])
      .optional()
      .describe(
        'Who else’s pages may call it: true is any, options are those of the policy cors, service leaves it to the service. Default: false, unless the policies of every route have cors',
      ),
    limits: limitsSchema.optional(),
    basePath: z
      .string()
      .regex(/^\/(?:[^?#{}*\s]*[^?#{}*\s/])?$/, 'is not a path such as /v1')
      .optional()
      .describe('What stands before the paths of the document; default: the path of its first server'),
    validate: validateSchema,
    policies: policyListSchema.default([]).describe('Further policies, of every route of it'),
  })
  .describe('What is offered to clients: where, to whom and how much, and which service or function does it');

export type ApiConfig = z.output<typeof apiSchema>;
