import { z } from 'zod';
import { consumerSchema } from '../../identity/consumers/schema.ts';
import { providerSchema } from '../../identity/providers/schema.ts';
import { sessionSchema } from '../../identity/sessions/schema.ts';
import { entityName } from '../../lib/entity-name.ts';
import { duration } from '../../lib/units.ts';
import { observabilitySchema } from '../../observability/schema.ts';
import { addressListSchema } from '../../policies/address-list-schema.ts';
import { planSchema } from '../../policies/plan/plans-schema.ts';
import { policyListSchema, routeSchema } from '../../routing/schema.ts';
import { certificateSchema, listenerSchema } from '../../server/schema.ts';
import { stateSchema } from '../../state/schema.ts';
import { serviceSchema } from '../../upstream/schema.ts';
import { acmeSchema } from '../acme/schema.ts';
import { adminTlsSchema, authenticationSchema, probesSchema } from '../admin/authentication/schema.ts';
import { apiSchema } from '../apis/api-schema.ts';
import { functionSchema } from '../apis/function-schema.ts';
import { organizationSchema } from '../apis/organization-schema.ts';
import { storeSchema } from '../store/schema.ts';

export const adminSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    address: z
      .string()
      .default('127.0.0.1')
      .describe('Address to listen on; any but a loopback address needs `authentication` and `tls`'),
    port: z.int().min(0).max(65_535).default(9900).describe('Port to listen on; 0 takes a free one'),
    hosts: z
      .array(
        z
          .string()
          .regex(
            /^[a-z0-9_]([a-z0-9_-]*)(\.[a-z0-9_-]+)*$/,
            'is not a host: write gateway.example.com, in small letters and without a port',
          ),
      )
      .default([])
      .describe(
        'Names that requests may be addressed to, besides addresses and localhost: any other in Host is refused',
      ),
    authentication: authenticationSchema.optional(),
    tls: adminTlsSchema.optional(),
    probes: probesSchema.optional(),
  })
  .describe('The port with /metrics, /healthz, /readyz and the admin API');

export const runtimeSchema = z
  .strictObject({
    workers: z
      .int()
      .min(0)
      .max(64)
      .default(0)
      .describe('Worker threads that serve requests; 0 is one per core'),
    registryFile: z
      .string()
      .min(1)
      .default('portcullis-registry.json')
      .describe(
        'Where targets that registered at the admin port outlive a restart; made when the first one does',
      ),
    drainDelay: duration(
      'How long new connections are still taken after SIGTERM or SIGINT, while /readyz says 503 already',
    ).prefault('0s'),
    drainTimeout: duration(
      'How long requests may go on after SIGTERM or SIGINT; then their connections are cut',
    ).prefault('30s'),
    sessionTickets: z
      .strictObject({
        secret: z
          .string()
          .optional()
          .describe(
            'Shared by nodes, so that a TLS session of one is taken up by another: env:NAME or file:path, 32 characters at least. Default: each node makes up its own',
          ),
        rotation: duration(
          'How long one key makes the tickets; those of the key before are taken as long again',
        )
          .refine((ms) => ms >= 60_000, 'is too short: 1m at least')
          .prefault('12h'),
      })
      .prefault({})
      .describe('How TLS clients that come back are known'),
  })
  .describe('The process');

const certificateEntrySchema = certificateSchema
  .partial({ cert: true, key: true })
  .extend({ acme: acmeSchema.optional() });

/** The whole configuration. What stands here is what the editor completes, what `check` checks and what the types say. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Address of the JSON Schema, for editors'),
  listeners: z
    .record(entityName, listenerSchema)
    .prefault({ http: { port: 8080 } })
    .describe('Where connections are accepted; without any, port 8080'),
  certificates: z
    .record(entityName, certificateEntrySchema)
    .default({})
    .describe('Certificates for listeners: given by cert and key, or ordered by acme'),
  services: z.record(entityName, serviceSchema).default({}).describe('What requests are sent to'),
  routes: z.record(entityName, routeSchema).default({}).describe('Which request goes where'),
  apis: z
    .record(entityName, apiSchema)
    .default({})
    .describe(
      'What is offered to clients: hosts, paths and who may call, with the service or function behind',
    ),
  functions: z.record(entityName, functionSchema).default({}).describe('Functions that APIs may point to'),
  organizations: z.record(entityName, organizationSchema).default({}).describe('Who owns what'),
  policies: policyListSchema
    .default([])
    .describe('Policies of every route, before its own: a list, or by name, in the order of the names'),
  lists: z
    .record(entityName, addressListSchema)
    .default({})
    .describe('Lists of addresses that policies name: one list for many routes'),
  plans: z
    .record(entityName, planSchema)
    .default({})
    .describe('What consumers may do in a time, by name: rates, and quotas by the calendar'),
  consumers: z
    .record(z.string().min(1).max(200), consumerSchema)
    .default({})
    .describe('Who calls, by the name that authentication has for them'),
  providers: z
    .record(entityName, providerSchema)
    .default({})
    .describe('Identity providers: who vouches for users, and whose tokens services want'),
  sessions: z
    .record(entityName, sessionSchema)
    .default({})
    .describe('Logins of browsers, which the gateway keeps the tokens of'),
  state: stateSchema.prefault({}),
  store: storeSchema.prefault({}),
  admin: adminSchema.prefault({}),
  runtime: runtimeSchema.prefault({}),
  observability: observabilitySchema.prefault({}),
});

/** What a user writes. */
export type PortcullisConfigInput = z.input<typeof configSchema>;
/** What was written, with every default filled in; durations in milliseconds, sizes in bytes. */
export type ParsedConfig = z.output<typeof configSchema>;
export type AdminConfig = z.output<typeof adminSchema>;
export type RuntimeConfig = z.output<typeof runtimeSchema>;
