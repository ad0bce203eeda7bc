import { z } from 'zod';
import { ownerSchema } from '../../lib/entity-name.ts';

const name = (max: number) => z.string().min(1).max(max);
const secret = 'env:NAME or file:path keeps it out of the configuration';

const basicSchema = z
  .strictObject({
    username: name(255).optional().describe("Default: the consumer's name"),
    password: name(1024).optional().describe(`The password itself: ${secret}`),
    hash: name(1024)
      .optional()
      .describe('PHC string of scrypt or argon2id, as `portcullis hash` prints it: $scrypt$ln=17,r=8,p=1$…'),
  })
  .describe('A user name and a password (RFC 7617), for the policy basic');

const apiKeySchema = z
  .strictObject({
    id: name(100).optional().describe('Names the key in messages; the key itself is never shown'),
    key: name(1024).optional().describe(`The key itself: ${secret}`),
    hash: name(200)
      .optional()
      .describe('sha256: and the base64url of its SHA-256, as `portcullis hash --api-key` prints it'),
    expires: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('From then on it is refused: 2027-01-01T00:00:00Z'),
  })
  .describe('A key for the policy api-key; of two live ones each may be replaced without a pause');

const certificateSchema = z
  .strictObject({
    fingerprint: name(200)
      .optional()
      .describe('sha256: and the hex digits of its SHA-256, with or without colons'),
    subject: name(1000)
      .optional()
      .describe('Its whole subject, most specific part first (RFC 4514): CN=alice,O=Example'),
    san: name(500)
      .optional()
      .describe('One of its subject alternative names: DNS:a.example.com, URI:spiffe://…, email:…, IP:…'),
    issuer: name(1000).optional().describe('Its whole issuer, written as `subject`; goes with `serial`'),
    serial: name(100).optional().describe('Hex digits of its serial number; goes with `issuer`'),
  })
  .describe('A client certificate, for the policy mtls');

const signatureKeySchema = z
  .strictObject({
    id: name(200).describe('The `keyid` that signatures name'),
    algorithm: z.enum(['hmac-sha256', 'ed25519', 'ecdsa-p256-sha256', 'rsa-pss-sha512', 'rsa-v1_5-sha256']),
    secret: name(4096)
      .optional()
      .describe(`Shared secret of hmac-sha256, in base64 after base64:, else as text: ${secret}`),
    publicKey: name(20_000)
      .optional()
      .describe('PEM, for the other algorithms: file:path or the text itself'),
    expires: z.iso.datetime({ offset: true }).optional().describe('From then on it is refused'),
  })
  .describe('A key that signs requests (RFC 9421), for the policy signature');

const subjectSchema = z
  .strictObject({
    provider: name(200).describe('A name of `providers`'),
    subject: name(500).describe('What it calls the user: the `sub` of its tokens'),
  })
  .describe('A user of an identity provider who is this consumer');

/** Somebody who calls, by the name that authentication has for them. */
export const consumerSchema = z.strictObject({
  organization: ownerSchema,
  plan: z.string().min(1).optional().describe('Name of one of the plans'),
  groups: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([])
    .describe('What authorization knows the consumer to belong to'),
  basic: basicSchema.optional(),
  apiKeys: z
    .array(apiKeySchema)
    .max(20)
    .default([])
    .describe('Keys, several at once to replace one by another'),
  certificates: z.array(certificateSchema).max(20).default([]),
  signatureKeys: z.array(signatureKeySchema).max(20).default([]),
  subjects: z.array(subjectSchema).max(100).default([]),
});

export type ConsumerConfig = z.output<typeof consumerSchema>;
export type ApiKeyConfig = ConsumerConfig['apiKeys'][number];
export type CertificateConfig = ConsumerConfig['certificates'][number];
export type SignatureKeyConfig = ConsumerConfig['signatureKeys'][number];
