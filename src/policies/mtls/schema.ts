import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { forwardOption } from '../auth/challenge.ts';

export const mtlsSchema = z
  .strictObject({
    ca: z
      .string()
      .optional()
      .describe(
        'Of the authorities of the listener only these, in PEM: one of them has to have signed the certificate itself',
      ),
    header: z
      .string()
      .refine(isToken, 'is not a field name')
      .optional()
      .describe(
        "Field in which a trusted proxy passes the client's certificate: Client-Cert (RFC 9440), or PEM with percent-encoding. From anybody else it is taken off",
      ),
    forward: forwardOption,
    unknown: z
      .enum(['refuse', 'subject', 'san'])
      .default('refuse')
      .describe(
        "Who a verified certificate of no consumer is: nobody, or somebody called by the certificate's whole subject, or by its first alternative name",
      ),
  })
  .describe('TLS client certificate, of a consumer or of anybody whom an authority vouches for');

export type MtlsOptions = z.output<typeof mtlsSchema>;
