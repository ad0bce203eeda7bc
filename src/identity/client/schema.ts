import { z } from 'zod';
import { isFieldValue, isToken } from '../../http/fields.ts';

const PEM_LENGTH = 20_000;

export const ASSERTION_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const clientKey = z
  .strictObject({
    key: z.string().min(1).max(PEM_LENGTH).describe('PEM of the private key'),
    algorithm: z
      .enum(ASSERTION_ALGORITHMS)
      .optional()
      .describe(
        'What assertions are signed with; default: RS256, ES256, ES384, ES512 or EdDSA, as the key is',
      ),
    id: z.string().min(1).max(200).optional().describe('`kid` of the assertions'),
    audience: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .describe('`aud` of the assertions; default: the issuer, or without one the address that is asked'),
  })
  .describe('The gateway proves who it is by signed assertions, private_key_jwt (RFC 7523)');

const clientCertificate = z
  .strictObject({
    cert: z.string().min(1).max(100_000).describe('PEM of the certificate, with what stands above it'),
    key: z.string().min(1).max(PEM_LENGTH).describe('PEM of its key'),
  })
  .describe('TLS certificate that the gateway shows; alone it proves who it is, tls_client_auth (RFC 8705)');

export const clientAuthentication = z
  .union([
    z.enum(['basic', 'post', 'jwt']),
    z.strictObject({
      header: z.string().refine(isToken, 'is not a field name').describe('Field that has the secret'),
      prefix: z
        .string()
        .max(100)
        .refine(isFieldValue, 'is not a field value')
        .default('')
        .describe('Stands before the secret and a space'),
    }),
  ])
  .describe(
    'How the secret is sent: client_secret_basic, client_secret_post, as the key of assertions (client_secret_jwt), or in a field of another name',
  );

/** How an authorization server knows the gateway: of providers, and of policies that ask one without a provider. */
export const clientOptions = {
  clientId: z.string().min(1).max(500).optional().describe('What the provider knows the gateway by'),
  clientSecret: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('env:NAME or file:path keeps it out of the configuration'),
  clientKey: clientKey.optional(),
  clientCertificate: clientCertificate.optional(),
};

/** What the options say; `clientId` may be missing where nobody has to be known. */
export interface ClientConfig {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly clientKey?: z.output<typeof clientKey> | undefined;
  readonly clientCertificate?: z.output<typeof clientCertificate> | undefined;
  readonly clientAuthentication: z.output<typeof clientAuthentication>;
}

export type ClientKeyConfig = NonNullable<ClientConfig['clientKey']>;
