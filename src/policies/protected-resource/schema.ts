import { z } from 'zod';

const address = z.url({ protocol: /^https?$/ }).max(2000);
const text = z.string().min(1).max(500);

export const protectedResourceSchema = z
  .strictObject({
    resource: address
      .refine((url) => !url.includes('#'), 'has a fragment')
      .describe('Identifier of the API: the address that clients know it by'),
    providers: z.array(text).max(20).default([]).describe('Names of `providers` whose tokens are accepted'),
    authorizationServers: z
      .array(address)
      .max(20)
      .default([])
      .describe('Further issuers whose tokens are accepted'),
    scopes: z.array(text).max(200).optional().describe('Scopes that clients may ask for'),
    methods: z
      .array(z.enum(['header', 'query']))
      .min(1)
      .default(['header'])
      .describe('How tokens may be sent'),
    name: text.optional().describe('For people'),
    documentation: address.optional().describe('Where developers read on'),
  })
  .superRefine(({ providers, authorizationServers }, context) => {
    if (providers.length + authorizationServers.length === 0)
      context.addIssue({
        code: 'custom',
        message: 'needs providers or authorizationServers: who issues tokens',
      });
  })
  .describe('Tells clients who issues tokens for an API');

export type ProtectedResourceOptions = z.output<typeof protectedResourceSchema>;
