import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { duration, size } from '../../lib/units.ts';
import { forwardOption, realmOption } from '../auth/challenge.ts';

const DERIVED = ['@method', '@target-uri', '@authority', '@scheme', '@request-target', '@path', '@query'];

export const signatureSchema = z
  .strictObject({
    components: z
      .array(
        z
          .string()
          .refine(
            (name) => DERIVED.includes(name) || (isToken(name) && name === name.toLowerCase()),
            `is neither a field name in small letters nor one of ${DERIVED.join(', ')}`,
          ),
      )
      .max(50)
      .optional()
      .describe(
        'What a signature has to cover; default: @method, and @target-uri, or @authority with @path and @query (where there is one)',
      ),
    structuredFields: z
      .record(
        z
          .string()
          .max(200)
          .refine(
            (name) => isToken(name) && name === name.toLowerCase(),
            'is no field name in small letters',
          ),
        z.enum(['item', 'list', 'dictionary']),
      )
      .default({})
      .describe(
        'Fields of your own that are structured (RFC 9651), by what they are, for signatures that cover them with `sf`; those that are registered are known',
      ),
    digest: z
      .enum(['required', 'ignored'])
      .default('required')
      .describe(
        'required: a body has to be covered by content-digest, and is checked against it; ignored: bodies are not looked at',
      ),
    maxBody: size('Largest body that is checked; beyond it 413').prefault('1mb'),
    maxAge: duration('How old a signature may be by its `created`, which has to be there').prefault('5m'),
    skew: duration('How far the clocks of client and gateway may differ').prefault('30s'),
    nonce: z
      .enum(['optional', 'required'])
      .default('optional')
      .describe('Whether a signature needs one. Where there is one, the signature is taken once'),
    nonceStore: z
      .enum(['worker', 'memory', 'redis'])
      .default('memory')
      .describe(
        'Who knows of a nonce that was used: the worker that saw it, all workers of the machine, or all nodes with the same state.redis',
      ),
    tag: z.string().min(1).max(100).optional().describe('Only signatures with this tag are looked at'),
    realm: realmOption,
    forward: forwardOption,
  })
  .describe('Signature of a request by the key of a consumer (RFC 9421)');

export type SignatureOptions = z.output<typeof signatureSchema>;
