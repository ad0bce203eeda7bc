import { z } from 'zod';
import { type ClientConfig, clientAuthentication, clientOptions } from '../../identity/client/schema.ts';
import { duration, size } from '../../lib/units.ts';
import { challengeOptions, claimMapping, tokenPlaces } from '../token-options.ts';

/** As many connections as are kept to one provider: further questions would wait for one of them. */
const MAX_QUESTIONS = 128;

const name = (max: number) => z.string().min(1).max(max);

export const introspectionSchema = z
  .strictObject({
    provider: name(200)
      .optional()
      .describe('A name of `providers`: its metadata says where tokens are asked about, its client asks'),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .describe('Where tokens are asked about, without a provider'),
    issuer: name(2000)
      .optional()
      .describe('Whose tokens they are, for what comes after; an answer that says another is refused'),
    ...clientOptions,
    clientAuthentication: clientAuthentication.optional(),
    ca: name(1_000_000)
      .optional()
      .describe('PEM of the authorities to trust instead of those that Node.js trusts: file:path'),
    insecure: z
      .boolean()
      .default(false)
      .describe('Lets http lead to another host than this one: for tests in a network of your own'),
    timeout: duration('How long an answer is waited for')
      .refine((ms) => ms > 0 && ms <= 60_000, 'is not between 1ms and 1m')
      .prefault('5s'),
    audience: z
      .union([name(500), z.array(name(500)).min(1).max(50)])
      .transform((value) => (typeof value === 'string' ? [value] : value))
      .optional()
      .describe('The token is for one of these: `aud`; default: whoever it is for'),
    ...tokenPlaces,
    claims: claimMapping,
    ...challengeOptions,
    maxLength: size('Longest token')
      .refine((bytes) => bytes > 0 && bytes <= 64 * 1024, 'is not between 1b and 64kb')
      .prefault('8kb'),
    cache: z
      .strictObject({
        ttl: duration(
          'So long a token counts as good after it was asked about, unless it expires before',
        ).prefault('1m'),
        refused: duration('So long a token counts as refused').prefault('10s'),
        tokens: z
          .int()
          .min(0)
          .max(1_000_000)
          .default(10_000)
          .describe('Tokens that a worker remembers; 0: none'),
        size: size('What they may take of its memory').prefault('64mb'),
      })
      .prefault({})
      .describe('A token that was revoked is let in for up to `ttl`'),
    questions: z
      .strictObject({
        atOnce: z
          .int()
          .min(1)
          .max(MAX_QUESTIONS)
          .default(64)
          .describe('Tokens that a worker asks about at once'),
        perClient: z
          .int()
          .min(1)
          .max(MAX_QUESTIONS)
          .default(16)
          .describe('Of them for one client: an address, or a network of IPv6'),
      })
      .prefault({})
      .describe('More wait for their turn, clients one after the other, for up to `timeout`'),
  })
  .superRefine((options, context) => {
    const { provider, endpoint, clientId } = options;
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (provider === undefined && endpoint === undefined)
      issue([], 'needs provider or endpoint: who is asked about tokens');
    if (provider === undefined && endpoint !== undefined && (clientId === undefined || !isProvable(options)))
      issue(
        [],
        'needs clientId and one of clientSecret, clientKey and clientCertificate: not everybody may ask about tokens',
      );
    if (options.clientSecret !== undefined && options.clientKey !== undefined)
      issue(['clientKey'], 'is one proof too many: write one of clientSecret and clientKey');
  })
  .describe('Lets in who has a token that an authorization server says is good');

/** Whether there is something that proves who asks. */
export function isProvable({
  clientSecret,
  clientKey,
  clientCertificate,
}: Pick<ClientConfig, 'clientSecret' | 'clientKey' | 'clientCertificate'>): boolean {
  return clientSecret !== undefined || clientKey !== undefined || clientCertificate !== undefined;
}

export type IntrospectionOptions = z.output<typeof introspectionSchema>;
