import { z } from 'zod';
import { ownerSchema } from '../lib/entity-name.ts';
import { duration, size } from '../lib/units.ts';
import { CIPHERS, GROUPS } from './tls/ciphers.ts';

const cidr = z
  .string()
  .describe('An address or a range in CIDR notation: 10.0.0.0/8, 2001:db8::/32, 192.0.2.7');

const HEAD_SIZE = 'is too small for any request: 128b at least';

/** A head is held in memory while it is read, so that it always has a limit. */
function isHeadSize(bytes: number): boolean {
  return bytes >= 128;
}

const limitsSchema = z
  .strictObject({
    connections: z
      .int()
      .min(0)
      .default(0)
      .describe('Open connections of this listener in all workers; 0 is no limit'),
    connectionsPerAddress: z
      .int()
      .min(0)
      .default(0)
      .describe('Open connections of one client address, of IPv6 of one network (/64); 0 is no limit'),
    requestLine: size('Longest request line; beyond it 414').refine(isHeadSize, HEAD_SIZE).prefault('8kb'),
    head: size('Largest request head, request line included; beyond it 431')
      .refine(isHeadSize, HEAD_SIZE)
      .prefault('32kb'),
    fields: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Most header fields of a request; beyond it 431'),
    body: size('Largest request body; beyond it 413. 0b is no limit').prefault('0b'),
  })
  .describe('What a client may send, and how much of it');

const timeoutsSchema = z
  .strictObject({
    head: duration(
      'From the first byte of a request, or from the TLS or PROXY handshake, to the end of its head; then 408',
    ).prefault('10s'),
    bodyIdle: duration('Longest pause within a request body; then 408').prefault('30s'),
    keepAlive: duration('How long an idle connection is kept for a next request').prefault('60s'),
    write: duration('Longest pause of a client that does not take its answer').prefault('60s'),
    request: duration('From the whole head of a request to the end of its answer; 0s is no limit').prefault(
      '0s',
    ),
    halfClose: duration(
      'How long a client that closed its sending side is still waited for; 0s cancels at once',
    ).prefault('1s'),
  })
  .describe('How long a client may take. 0s switches one off');

const forwardingSchema = z
  .strictObject({
    trust: z
      .array(cidr)
      .default([])
      .describe('Proxies in front whose Forwarded, X-Forwarded-* and request id are believed'),
    read: z
      .enum(['x-forwarded', 'forwarded'])
      .default('x-forwarded')
      .describe(
        'Which family the trusted proxies write. The other is never believed: they pass it on as the client sent it',
      ),
    send: z
      .array(z.enum(['x-forwarded', 'forwarded']))
      .default(['x-forwarded'])
      .describe(
        'Which forwarding fields the upstream receives: X-Forwarded-For, -Host, -Proto, -Port, or Forwarded (RFC 7239)',
      ),
    via: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z:-]*$/)
      .default('portcullis')
      .describe('Pseudonym in Via (RFC 9110 section 7.6.3); empty sends none'),
    requestId: z
      .string()
      .regex(/^[a-z0-9-]*$/, 'is not a field name in small letters')
      .default('x-request-id')
      .describe('Field with the request id; empty sends none'),
  })
  .describe('What upstreams learn of the client');

export const listenerSchema = z.strictObject({
  address: z.string().default('0.0.0.0').describe('Address to listen on'),
  port: z.int().min(0).max(65_535).describe('Port to listen on; 0 takes a free one'),
  protocol: z.enum(['http', 'https']).default('http'),
  tls: z
    .strictObject({
      certificates: z
        .array(z.string())
        .min(1)
        .optional()
        .describe(
          'Names from `certificates`; the first is for clients that name no server or an unknown one. Default: all, in their order',
        ),
      unknownNames: z
        .enum(['default', 'refuse'])
        .default('default')
        .describe(
          'What a client gets that asks for a name that no certificate is for, or for none: the first certificate, or the alert unrecognized_name',
        ),
      strictHost: z
        .boolean()
        .default(false)
        .describe(
          'A request for a host that the certificate of its connection is not for is refused with 421 (RFC 9110 section 7.4)',
        ),
      profile: z
        .enum(['modern', 'intermediate'])
        .default('intermediate')
        .describe("Of Mozilla's Server Side TLS 6.0. modern: TLS 1.3 alone; intermediate: TLS 1.2 too"),
      minVersion: z
        .enum(['1.2', '1.3'])
        .optional()
        .describe('Oldest version, instead of that of the profile'),
      ciphers: z
        .array(z.enum(CIPHERS))
        .min(1)
        .optional()
        .describe("Instead of the profile's; most wanted first, where `serverPreference` is on"),
      groups: z
        .array(z.enum(GROUPS))
        .min(1)
        .optional()
        .describe("Groups of the key exchange, instead of the profile's; most wanted first"),
      serverPreference: z
        .boolean()
        .default(false)
        .describe("The order of `ciphers` counts, and not the client's"),
      sessionTickets: z
        .boolean()
        .default(true)
        .describe(
          'Clients that come back take up their session without a full handshake; the keys are those of `runtime.sessionTickets`',
        ),
      stapling: z
        .boolean()
        .default(false)
        .describe(
          'OCSP responses go with certificates that name a responder: the gateway asks it and keeps what it says',
        ),
      clientAuth: z
        .strictObject({
          mode: z
            .enum(['request', 'require'])
            .default('request')
            .describe(
              'request: a client may have a certificate, and policies decide; require: a connection without a valid one is refused',
            ),
          ca: z
            .string()
            .describe(
              'Certificates of the authorities that may have signed it: file:path, env:NAME or PEM text',
            ),
          crl: z
            .string()
            .optional()
            .describe(
              'Lists of revoked certificates, one for each authority of `ca` and of the chains: file:path, env:NAME or PEM text',
            ),
        })
        .optional()
        .describe('Asks clients for a certificate (mutual TLS); none: clients are not asked'),
    })
    .optional()
    .describe('For protocol https'),
  proxyProtocol: z
    .boolean()
    .default(false)
    .describe(
      'Every connection begins with a PROXY protocol v1 or v2 header (from `forwarding.trust` only, when that is set)',
    ),
  forwarding: forwardingSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  timeouts: timeoutsSchema.prefault({}),
});

export const certificateSchema = z.strictObject({
  organization: ownerSchema,
  cert: z.string().describe('PEM chain, leaf first: file:path, env:NAME or the text itself'),
  key: z.string().describe('PEM private key: file:path or env:NAME'),
  hosts: z
    .array(z.string().min(1).max(253))
    .optional()
    .describe('Hosts that the certificate has to be for; one that is not is refused'),
});

/** A listener as the data plane receives it: durations in milliseconds, sizes in bytes, every default filled in. */
export type ListenerConfig = z.output<typeof listenerSchema>;
