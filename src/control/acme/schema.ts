import { z } from 'zod';
import { duration } from '../../lib/units.ts';

/** RFC 8555 section 8: the ways to prove that a name is ours which need nothing but the gateway itself. */
export const CHALLENGE_TYPES = ['http-01', 'tls-alpn-01'] as const;
export type ChallengeType = (typeof CHALLENGE_TYPES)[number];

const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const host = z.string().superRefine((name, context) => {
  const message = name.startsWith('*.')
    ? 'is a wildcard, which neither http-01 nor tls-alpn-01 can prove (RFC 8555 section 8): name every host'
    : /^[\d.]+$|:/.test(name)
      ? 'is an address: certificates are ordered for host names'
      : HOST.test(name)
        ? undefined
        : 'is not a host name: write shop.example.com, in small letters';
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const url = z
  .string()
  // RFC 8555 section 6.1: always over TLS.
  .refine((text) => URL.canParse(text) && text.startsWith('https://'), 'is not an address with https://');

export const acmeSchema = z
  .strictObject({
    directory: url
      .default('https://acme-v02.api.letsencrypt.org/directory')
      .describe('Address of the ACME directory of the authority; default: Let’s Encrypt'),
    hosts: z
      .array(host)
      .min(1)
      .max(100)
      .refine((hosts) => new Set(hosts).size === hosts.length, 'names a host twice')
      .describe('Host names that the certificate is for, the first one its main one'),
    email: z
      .email('is not an address such as ops@example.com')
      .optional()
      .describe('Where the authority may write to'),
    challenge: z
      .enum(CHALLENGE_TYPES)
      .default('http-01')
      .describe(
        'How to prove that the hosts are ours: http-01, asked for at port 80, or tls-alpn-01, asked for at port 443',
      ),
    keyType: z
      .enum(['ecdsa', 'rsa'])
      .default('ecdsa')
      .describe('Key of the certificate: ecdsa (P-256) or rsa (2048 bits)'),
    termsAgreed: z
      .boolean()
      .refine(Boolean, 'must be true: an authority issues only to those who agree to its terms of service')
      .describe('That you agree to the terms of service of the authority'),
    externalAccount: z
      .strictObject({
        keyId: z.string().min(1).describe('Key identifier that the authority gave'),
        hmacKey: z.string().min(1).describe('Key that it gave, in base64url: env:NAME or file:path'),
      })
      .optional()
      .describe('Account at the authority that the ACME account belongs to (RFC 8555 section 7.3.4)'),
    renewBefore: duration('How long before its end it is renewed; default: a third of its life').optional(),
    ca: z
      .string()
      .optional()
      .describe(
        'Authorities that the ACME server itself is trusted by, for one of your own: file:path, env:NAME or PEM text',
      ),
  })
  .describe('Ordered and renewed by ACME (RFC 8555)');

/** What to order, secrets resolved; `renewBefore` in milliseconds. */
export type AcmeSettings = z.output<typeof acmeSchema>;
