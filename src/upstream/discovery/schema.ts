import { isIP } from 'node:net';
import { z } from 'zod';
import { duration } from '../../lib/units.ts';
import { HTTP_ADDRESS } from '../address.ts';

const scheme = z.enum(['http', 'https']).default('http').describe('How targets are spoken to');
const portNumber = z.int().min(1).max(65_535);
const shortText = z.string().min(1).max(255);

const apiAddress = z
  .string()
  .regex(HTTP_ADDRESS, 'is not an address: write http://host:port or https://host:port, without a path');

const dnsSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^(?=.{1,254}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/,
        'is not a name that DNS knows: write orders.internal, or _http._tcp.orders.internal for SRV',
      )
      .describe('The whole name to look up: search domains and the hosts file are not used'),
    type: z.enum(['a', 'aaaa', 'srv']).default('a').describe('The records to ask for'),
    port: portNumber.optional().describe('Port of every target; SRV records bring their own'),
    scheme,
    servers: z
      .array(
        z
          .string()
          .refine(
            isServer,
            'is not the address of a DNS server: write 10.0.0.53, 10.0.0.53:5353 or [2001:db8::1]:53',
          ),
      )
      .min(1)
      .max(16)
      .optional()
      .describe('DNS servers to ask; default: those of the system'),
    refresh: duration('Longest time between two look-ups; the interval where an answer has no TTL')
      .refine((ms) => ms >= 1000 && ms <= 86_400_000, 'is not from 1s to 24h')
      .prefault('30s'),
  })
  .superRefine(({ type, port }, context) => {
    if (type === 'srv' && port !== undefined)
      context.addIssue({ code: 'custom', path: ['port'], message: 'has no use: SRV records bring the port' });
    if (type !== 'srv' && port === undefined)
      context.addIssue({
        code: 'custom',
        path: ['port'],
        message: 'is missing: A and AAAA records bring no port',
      });
  })
  .describe('Records of DNS, looked up again when their time is over');

const fileSchema = z
  .strictObject({
    path: z.string().min(1).describe('YAML or JSON: a list of targets with url, weight, zone and tags'),
  })
  .describe('A list in a file of its own, read again when it changes');

const registrySchema = z
  .strictObject({
    tags: z.array(shortText).max(64).default([]).describe('Only the targets that have all of these'),
  })
  .describe('Targets that register themselves at the admin port, under the name of the service');

const consulSchema = z
  .strictObject({
    address: apiAddress.default('http://127.0.0.1:8500').describe('Consul’s HTTP API'),
    service: shortText.describe('The service’s name in Consul'),
    tag: shortText.optional().describe('Only the instances with this tag'),
    datacenter: shortText.optional().describe('Default: the one of the agent that is asked'),
    token: z.string().min(1).optional().describe('ACL token: env:NAME or file:path'),
    ca: z
      .string()
      .min(1)
      .optional()
      .describe('PEM of the authority of Consul’s certificate; default: those that Node.js trusts'),
    scheme,
    wait: duration('How long one blocking query may wait for a change, up to 10m')
      .refine((ms) => ms >= 1000 && ms <= 600_000, 'is not from 1s to 10m')
      .prefault('60s'),
  })
  .describe('The passing instances of a service in Consul');

const kubernetesSchema = z
  .strictObject({
    service: shortText
      .regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is not the name of a Kubernetes Service')
      .describe('The Service’s name'),
    namespace: shortText
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is not the name of a namespace')
      .describe('The Service’s namespace'),
    port: z
      .union([
        portNumber,
        z.string().regex(/^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/, 'is not the name of a port'),
      ])
      .describe('Name of the Service’s port, or the number of the port of its pods'),
    scheme,
    apiServer: apiAddress.optional().describe('Default: that of the cluster that the gateway runs in'),
    token: z
      .string()
      .min(1)
      .optional()
      .describe('Bearer token: env:NAME or file:path; default: that of the pod’s service account'),
    ca: z
      .string()
      .min(1)
      .optional()
      .describe('PEM of the API server’s authority; default: that of the pod’s service account'),
  })
  .describe('The EndpointSlices of a Service in Kubernetes');

const kinds = {
  dns: dnsSchema.optional(),
  file: fileSchema.optional(),
  registry: registrySchema.optional(),
  consul: consulSchema.optional(),
  kubernetes: kubernetesSchema.optional(),
};

/** Where the targets of a service come from: exactly one source. */
export const discoverySchema = z
  .strictObject(kinds)
  .superRefine((discovery, context) => {
    const given = Object.entries(discovery).flatMap(([kind, settings]) =>
      settings === undefined ? [] : [kind],
    );
    if (given.length === 1) return;
    const message =
      given.length === 0
        ? `says no source: give one of ${Object.keys(kinds).join(', ')}`
        : `has more than one source, ${given.join(' and ')}: give one`;
    context.addIssue({ code: 'custom', path: given.slice(1, 2), message });
  })
  .describe('Where the targets come from, while the gateway runs');

export type DiscoverySettings = z.output<typeof discoverySchema>;
export type DnsSettings = z.output<typeof dnsSchema>;
export type RegistrySettings = z.output<typeof registrySchema>;
export type ConsulSettings = z.output<typeof consulSchema>;
export type KubernetesSettings = z.output<typeof kubernetesSchema>;

/** An address with or without a port, as `Resolver.setServers` takes it. */
function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const match = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null || isIP(match[1] ?? match[2] ?? '') === 0) return false;
  const number = match[3] === undefined ? 53 : Number(match[3]);
  return number >= 1 && number <= 65_535;
}
