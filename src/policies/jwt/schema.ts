import { z } from 'zod';
import { ASYMMETRIC_ALGORITHMS, SECRET_ALGORITHMS } from '../../identity/jwt/algorithms.ts';
import { duration, size } from '../../lib/units.ts';
import { challengeOptions, claimMapping, tokenPlaces } from '../token-options.ts';

const name = (max: number) => z.string().min(1).max(max);
const oneOrMore = (description: string) =>
  z
    .union([name(500), z.array(name(500)).min(1).max(50)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .describe(description);
const algorithm = z.enum([...ASYMMETRIC_ALGORITHMS, ...SECRET_ALGORITHMS]);

/** What a token must be: for all issuers, or for one of them. */
const rules = {
  audience: oneOrMore('The token is for one of these: `aud`').optional(),
  anyAudience: z
    .boolean()
    .optional()
    .describe('Takes tokens whoever they are for: only where the issuer has no other service'),
  authorizedParties: oneOrMore(
    'The token was issued to one of these clients: `azp`, else `client_id`',
  ).optional(),
  algorithms: z
    .array(algorithm)
    .min(1)
    .optional()
    .describe('Default: every asymmetric one; HS256 where there is a `secret`'),
  type: name(100)
    .optional()
    .describe(
      '`typ` of the header: at+jwt for access tokens of RFC 9068; default: any but others that end in +jwt',
    ),
  idTokens: z
    .boolean()
    .optional()
    .describe(
      'Takes ID tokens too, which tell a client who logged in: whoever runs one of the clients can then call as its users. Default false',
    ),
  skew: duration('By which the clocks of issuer and gateway may differ')
    .refine((ms) => ms <= 5 * 60_000, 'is longer than 5m')
    .optional()
    .describe('By which the clocks of issuer and gateway may differ; default 30s'),
  maxAge: duration('Since the token was issued, `iat`; default: until it expires').optional(),
  expiry: z
    .enum(['required', 'optional'])
    .optional()
    .describe('Whether a token without `exp` is refused; default required'),
};

const issuerSchema = z
  .strictObject({
    issuer: name(2000).describe('The `iss` of its tokens, to the letter'),
    jwksUri: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .describe('Where its keys are; else its metadata says so'),
    jwks: z
      .looseObject({ keys: z.array(z.looseObject({})).min(1).max(100) })
      .optional()
      .describe('Its keys themselves: a JSON Web Key Set (RFC 7517)'),
    key: name(20_000).optional().describe('Its key: PEM of a public key or of a certificate, file:path'),
    secret: name(4096)
      .optional()
      .describe(
        'Shared with it, for HS256, HS384 and HS512; env:NAME or file:path keeps it out of the configuration',
      ),
    ca: name(1_000_000)
      .optional()
      .describe('PEM of the authorities to trust instead of those that Node.js trusts: file:path'),
    insecure: z
      .boolean()
      .default(false)
      .describe('Lets http lead to another host than this one: for tests in a network of your own'),
    ...rules,
  })
  .superRefine((issuer, context) => {
    const [, second] = SOURCES.filter((source) => issuer[source] !== undefined);
    if (second !== undefined)
      context.addIssue({
        code: 'custom',
        path: [second],
        message: 'is one source of keys too many: write one of jwksUri, jwks, key and secret',
      });
    if (SOURCES.every((source) => issuer[source] === undefined) && !/^https?:\/\//.test(issuer.issuer))
      context.addIssue({
        code: 'custom',
        path: ['issuer'],
        message: 'is no address, so its keys cannot be found: write jwksUri, jwks, key or secret',
      });
  });

const SOURCES = ['jwksUri', 'jwks', 'key', 'secret'] as const;

export const jwtSchema = z
  .strictObject({
    provider: name(200).optional().describe('A name of `providers`'),
    providers: z
      .array(name(200))
      .min(1)
      .max(20)
      .optional()
      .describe('Names of `providers`; the `iss` of a token says which it is of'),
    issuers: z
      .array(issuerSchema)
      .min(1)
      .max(20)
      .optional()
      .describe('Further issuers that are no `providers`'),
    ...rules,
    ...tokenPlaces,
    claims: claimMapping,
    ...challengeOptions,
    maxLength: size('Longest token')
      .refine((bytes) => bytes > 0 && bytes <= 64 * 1024, 'is not between 1b and 64kb')
      .prefault('8kb'),
    cache: z
      .strictObject({
        tokens: z
          .int()
          .min(0)
          .max(1_000_000)
          .default(10_000)
          .describe('Verified tokens that a worker remembers; 0: none'),
        size: size('What they may take of its memory').prefault('64mb'),
      })
      .prefault({}),
  })
  .superRefine(({ provider, providers, issuers }, context) => {
    if (provider === undefined && providers === undefined && issuers === undefined)
      context.addIssue({
        code: 'custom',
        message: 'needs provider, providers or issuers: whose tokens are accepted',
      });
    if (provider !== undefined && providers !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['providers'],
        message: 'stands beside provider: write all of them here',
      });
  })
  .describe('Lets in who has a JWT of an issuer');

export type JwtOptions = z.output<typeof jwtSchema>;
export type JwtIssuerOptions = NonNullable<JwtOptions['issuers']>[number];
