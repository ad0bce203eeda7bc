import { z } from 'zod';
import { duration } from '../../lib/units.ts';

/** An identity provider: where users log in and tokens come from. */
export const providerSchema = z.strictObject({
  kind: z
    .literal('oidc')
    .default('oidc')
    .describe('OpenID Connect, whose addresses are found by discovery from the issuer'),
  issuer: z
    .url()
    .describe('Identifier of the issuer, as in the `iss` of its tokens: https://id.example.com/realms/main'),
  clientId: z.string().min(1).max(500).optional().describe('What the provider knows the gateway by'),
  clientSecret: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('env:NAME or file:path keeps it out of the configuration'),
  ca: z
    .string()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('PEM of the authorities to trust instead of those that Node.js trusts: file:path'),
  insecure: z
    .boolean()
    .default(false)
    .describe('Lets http lead to another host than this one: for tests in a network of your own'),
  timeout: duration('How long an answer of the provider is waited for').prefault('5s'),
});

export type ProviderConfig = z.output<typeof providerSchema>;
