import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { hstsSchema } from '../security-headers/schema.ts';

export const redirectSchema = z.strictObject({
  status: z.union([z.literal(301), z.literal(308)]).default(308),
  port: z.int().min(1).max(65_535).default(443).describe('Where https is listened to, as clients see it'),
  methods: z
    .array(z.string().refine(isToken, 'is not a method'))
    .min(1)
    .default(['GET', 'HEAD'])
    .describe('Methods that are redirected; others get 426. [*] is any'),
});

export const httpsOnlySchema = z
  .strictObject({
    redirect: z
      .union([redirectSchema, z.boolean()])
      .default(false)
      .describe('Sends requests over http to the same address over https, instead of answering 426'),
    hsts: z
      .union([hstsSchema, z.boolean()])
      .default(false)
      .describe('Strict-Transport-Security (RFC 6797), on answers over https alone'),
  })
  .describe('Takes requests over https alone');

export type HttpsOnlyOptions = z.output<typeof httpsOnlySchema>;
