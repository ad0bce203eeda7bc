import { z } from 'zod';
import { consumerSchema } from '../../identity/consumers/schema.ts';
import { providerSchema } from '../../identity/providers/schema.ts';
import { sessionSchema } from '../../identity/sessions/schema.ts';
import { duration } from '../../lib/units.ts';
import { observabilitySchema } from '../../observability/schema.ts';
import { addressListSchema } from '../../policies/address-list-schema.ts';
import { planSchema } from '../../policies/plan/plans-schema.ts';
import { policyListSchema, routeSchema } from '../../routing/schema.ts';
import { certificateSchema, listenerSchema } from '../../server/schema.ts';
import { stateSchema } from '../../state/schema.ts';
import { serviceSchema } from '../../upstream/schema.ts';
import { adminTlsSchema, authenticationSchema, probesSchema } from '../admin/authentication/schema.ts';
import { apiSchema } from '../openapi/schema.ts';
import { storeSchema } from '../store/schema.ts';

/** Not of digits alone: JavaScript would move such a name to the front, and the order of the file counts. */
const name = z
  .string()
  .regex(
    /^(?!\d+$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/,
    'is not a name: write up to 100 letters, digits, ".", "_" and "-", not digits alone',
  )
  .describe('A name of your choice');

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
  })
  .describe('The process');

/** The whole configuration. What stands here is what the editor completes, what `check` checks and what the types say. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Address of the JSON Schema, for editors'),
  listeners: z
    .record(name, listenerSchema)
    .prefault({ http: { port: 8080 } })
    .describe('Where connections are accepted; without any, port 8080'),
  certificates: z.record(name, certificateSchema).default({}).describe('Certificates for listeners'),
  services: z.record(name, serviceSchema).default({}).describe('What requests are sent to'),
  routes: z.record(name, routeSchema).default({}).describe('Which request goes where'),
  apis: z.record(name, apiSchema).default({}).describe('OpenAPI documents, whose operations become routes'),
  policies: policyListSchema.default([]).describe('Policies of every route, before its own'),
  lists: z
    .record(name, addressListSchema)
    .default({})
    .describe('Lists of addresses that policies name: one list for many routes'),
  plans: z
    .record(name, planSchema)
    .default({})
    .describe('What consumers may do in a time, by name: rates, and quotas by the calendar'),
  consumers: z
    .record(z.string().min(1).max(200), consumerSchema)
    .default({})
    .describe('Who calls, by the name that authentication has for them'),
  providers: z
    .record(name, providerSchema)
    .default({})
    .describe('Identity providers: who vouches for users, and whose tokens services want'),
  sessions: z
    .record(name, sessionSchema)
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
