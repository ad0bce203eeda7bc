import { z } from 'zod';
import { ownerSchema } from '../../lib/entity-name.ts';
import { duration } from '../../lib/units.ts';

/** How a user may be recognised who has a session. */
const RECOGNISED = ['cookie', 'bearer', 'refresh', 'basic'] as const;

const names = z.array(z.string().min(1)).max(20);

export const DEFAULT_COOKIE = '__Host-portcullis';

/** RFC 6749 section 3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;

const origin = z
  .string()
  .regex(
    /^https?:\/\/(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/,
    'is not an origin: write https://app.example.com, in small letters and without a path',
  );

/** A kind of browser session: who may log in and how long that lasts. */
export const sessionSchema = z.strictObject({
  organization: ownerSchema,
  login: names
    .min(1)
    .describe(
      'Names of `providers`: a login walks through them in this order, and the first says who the user is',
    ),
  connect: names.default([]).describe('Names of `providers` that a user is sent to when a route needs them'),
  path: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)+$/, 'is not a path such as /auth')
    .refine((text) => !/\/\.{1,2}(?:\/|$)/.test(text), 'has a dot segment')
    .default('/auth')
    .describe(
      'Where its pages are: <path>/login, <path>/callback, <path>/callback/{provider}, <path>/logout, <path>/user, <path>/connect/{provider}',
    ),
  sharedCallback: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The one provider that sends browsers back to <path>/callback though its answers do not say whose they are; default: the first of `login`. All others like it have <path>/callback/{provider}',
    ),
  cookie: z
    .strictObject({
      name: z
        .string()
        .regex(
          /^__Host-[A-Za-z0-9_.-]{1,80}$/,
          'is not a name that begins with __Host-, which keeps other hosts of the domain from setting it',
        )
        .default(DEFAULT_COOKIE),
      sameSite: z
        .enum(['lax', 'strict', 'none'])
        .default('lax')
        .describe(
          'Which requests of other sites have the cookie: lax: links, strict: none at all, none: all; what may be done with it is the same',
        ),
    })
    .prefault({})
    .describe('The cookie, which is the key to the session'),
  origins: z
    .array(origin)
    .max(100)
    .default([])
    .describe('Other origins whose pages may use the session, and to which a login may return'),
  idleTimeout: duration('How long a session lives without a request')
    .refine((ms) => ms >= 1000, 'is shorter than 1s')
    .prefault('30m'),
  lifetime: duration('How long a session lives at most')
    .refine((ms) => ms >= 1000, 'is shorter than 1s')
    .refine((ms) => ms <= 365 * 86_400_000, 'is longer than 365d')
    .prefault('12h'),
  keys: z
    .array(z.string().min(1).max(2000))
    .max(10)
    .default([])
    .describe(
      'Secrets of 32 characters or more that the key of a session is derived from beside its cookie: the first encrypts, all decrypt',
    ),
  recognise: z
    .array(z.enum(RECOGNISED, 'is not cookie, bearer, refresh or basic'))
    .min(1)
    .default(['cookie'])
    .describe(
      'By what a user is recognised beside the cookie: an access token, a refresh token, or one of them as a password',
    ),
  clients: z
    .array(z.string().min(1).max(500))
    .max(100)
    .default([])
    .describe(
      'Other clients of the first provider, by their client ids: the access tokens that they get for a user, as JWTs, open the session of that user; needs `recognise: [bearer]`',
    ),
  confirmation: z
    .enum(['checked', 'ignored'])
    .default('checked')
    .describe(
      'Whether a token that is bound to a client certificate (RFC 8705) opens a session over its connection alone, and one that is bound in another way opens none',
    ),
  anonymous: z
    .boolean()
    .default(false)
    .describe('Visitors who are not logged in have a name that stays the same'),
  devices: z
    .boolean()
    .default(false)
    .describe(
      'Whether command-line clients get sessions of their own by the device authorization grant (RFC 8628), and are known by their tokens',
    ),
  tokens: z
    .strictObject({
      maxLifetime: duration('How long a token lives at most, and where its user does not say')
        .refine((ms) => ms >= 1000, 'is shorter than 1s')
        .refine((ms) => ms <= 365 * 86_400_000, 'is longer than 365d')
        .prefault('90d'),
      max: z.int().min(1).max(500).default(50).describe('How many tokens a user may have at a time'),
      scopes: z
        .array(z.string().regex(SCOPE, 'is not a scope: 1 to 100 ASCII characters without space, " and \\'))
        .max(100)
        .default([])
        .describe('What a token may be for: a user chooses some of them'),
    })
    .optional()
    .describe('Users make personal access tokens for their programs at <path>/tokens; default: they do not'),
  logout: z
    .strictObject({
      providers: names
        .default([])
        .describe(
          'Providers whose own logout the browser visits; <path>/logout/done has to be registered there as an address to return to',
        ),
      revoke: z.boolean().default(false).describe('Whether tokens are revoked at their providers (RFC 7009)'),
    })
    .prefault({})
    .describe('What a logout does beside ending the session'),
  store: z
    .enum(['memory', 'redis'])
    .optional()
    .describe(
      'Where sessions are kept; default: Redis where state.redis is, else the memory of this machine',
    ),
});

export type SessionConfig = z.output<typeof sessionSchema>;
