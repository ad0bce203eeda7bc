import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { duration } from '../../lib/units.ts';

const hashSchema = z
  .strictObject({
    header: z
      .string()
      .refine(isToken, 'is not a field name')
      .optional()
      .describe('Value of this request field'),
    cookie: z.string().refine(isToken, 'is not a cookie name').optional().describe('Value of this cookie'),
    param: z
      .string()
      .min(1)
      .optional()
      .describe('What {name} in the route’s path captured, without the braces'),
    address: z
      .literal(true)
      .optional()
      .describe('The client’s address; behind trusted proxies the one that they tell'),
  })
  .refine(
    (hash) => Object.values(hash).filter((value) => value !== undefined).length === 1,
    'takes exactly one of header, cookie, param and address',
  );

export const balanceSchema = z
  .strictObject({
    algorithm: z
      .enum(['round-robin', 'random', 'least-requests', 'peak-ewma', 'hash'])
      .default('round-robin')
      .describe(
        'How a target is chosen: in turn, by chance, by requests under way, by latency and requests under way, or by a key of the request',
      ),
    hash: hashSchema
      .optional()
      .describe(
        'For `hash`: requests with the same key go to the same target; those without a key go anywhere',
      ),
    slowStart: duration(
      'Time in which a new or recovered target comes to its full share, from a tenth on; 0s: at once',
    ).prefault('0s'),
    panicThreshold: z
      .int()
      .min(0)
      .max(100)
      .default(50)
      .describe('When less than this per cent of the targets can be asked, all are; 0 switches that off'),
    zone: z
      .string()
      .min(1)
      .optional()
      .describe('Targets of this zone are preferred while enough of them can be asked'),
  })
  .superRefine(({ algorithm, hash }, context) => {
    if (algorithm === 'hash' && hash === undefined) {
      const message = 'algorithm hash needs a key: header, cookie, param or address';
      context.addIssue({ code: 'custom', path: ['hash'], message });
    }
    if (algorithm !== 'hash' && hash !== undefined) {
      const message = `has no effect with algorithm ${algorithm}: leave it out, or choose hash`;
      context.addIssue({ code: 'custom', path: ['hash'], message });
    }
  })
  .describe('How requests are spread over the targets');

export const stickySchema = z
  .strictObject({
    cookie: z.string().refine(isToken, 'is not a cookie name').describe('Name of the cookie'),
    secret: z
      .string()
      .min(1)
      .describe('Signs the cookie; the same on all gateways. At least 16 characters, from `env:` or `file:`'),
    maxAge: duration(
      'How long a client stays with its target after it was sent there; 0s: till it closes',
    ).prefault('0s'),
  })
  .describe('Keeps each client at one target, by a signed cookie, while that target can be asked');

export type BalanceSettings = z.output<typeof balanceSchema>;
export type HashSettings = z.output<typeof hashSchema>;
export type StickySettings = z.output<typeof stickySchema>;
