import { z } from 'zod';
import { isFieldValue, isToken } from '../../http/fields.ts';
import { ownerSchema } from '../../lib/entity-name.ts';
import { duration } from '../../lib/units.ts';
import { clientAuthentication, clientOptions } from '../client/schema.ts';

const url = (description: string) =>
  z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .describe(description);
const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'is not a scope: one word without spaces');
const path = (description: string) =>
  z
    .string()
    .regex(/^[^.]{1,100}(?:\.[^.]{1,100}){0,9}$/, 'is not the way to a member, such as data.user.id')
    .describe(description);
/** Without them an answer would not be bound to its login (RFC 9700 section 2.1), or would come in another way than it is looked for. */
const OF_THE_GATEWAY = new Set([
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'state',
]);
const parameters = (description: string) =>
  z
    .record(
      z
        .string()
        .min(1)
        .max(100)
        .refine((name) => !OF_THE_GATEWAY.has(name), 'is a parameter that the gateway itself sets'),
      z.string().max(2000),
    )
    .default({})
    .describe(description);

/** What the gateway is to a provider, of whatever kind that is. */
const client = {
  organization: ownerSchema,
  ...clientOptions,
  clientAuthentication: clientAuthentication.default('basic'),
  authorizationParameters: parameters(
    'Sent along to the authorization endpoint: prompt, audience, access_type',
  ),
  tokenParameters: parameters('Sent along to the token endpoint'),
  ca: z
    .string()
    .min(1)
    .max(200_000)
    .optional()
    .describe('PEM of the certificate authorities to trust instead of those that Node.js trusts: file:path'),
  insecure: z
    .boolean()
    .default(false)
    .describe('Whether http may lead to another machine than this one: everybody on the way can read it'),
  timeout: duration('How long an answer of the provider is waited for')
    .refine((ms) => ms > 0, 'is no time at all')
    .refine((ms) => ms <= 60_000, 'is longer than 1m')
    .prefault('5s'),
  reusesRefreshTokens: z
    .boolean()
    .optional()
    .describe(
      'Whether a refresh token may be redeemed again: then a renewal whose answer was lost is tried again. Default: as the last renewal of a grant showed',
    ),
  groupsClaim: path('Where its claims have the groups of a user').default('groups'),
  rolesClaim: path('Where its claims have the roles of a user, such as realm_access.roles').default('roles'),
};

export const oidcSchema = z
  .strictObject({
    kind: z
      .literal('oidc')
      .optional()
      .describe('OpenID Connect; this is what a provider is that says nothing'),
    issuer: url(
      'Identifier of the issuer, as in the `iss` of its tokens: https://id.example.com/realms/main',
    ),
    ...client,
    scopes: z
      .array(scope)
      .max(100)
      .default(['openid'])
      .describe('Asked for at a login; openid is always one of them'),
    userInfo: z
      .boolean()
      .default(false)
      .describe(
        'Whether a login asks the UserInfo endpoint too: some providers tell more there than in ID tokens',
      ),
  })
  .describe('OpenID Connect, whose addresses are found by discovery from the issuer');

const jsonPath = path;

export const oauth2Schema = z
  .strictObject({
    kind: z.literal('oauth2').describe('OAuth 2.0 without OpenID Connect'),
    issuer: url('What its users are known under; default: the origin of the token endpoint').optional(),
    authorizationEndpoint: url('Where the browser is sent to'),
    tokenEndpoint: url('Where codes and refresh tokens are redeemed'),
    revocationEndpoint: url('Where tokens are revoked (RFC 7009)').optional(),
    logoutEndpoint: url('Where the browser is sent to log out').optional(),
    ...client,
    scopes: z.array(scope).max(100).default([]).describe('Asked for at a login'),
    scopeSeparator: z.string().min(1).max(3).default(' ').describe('Between scopes; some want a comma'),
    headers: z
      .record(
        z.string().refine(isToken, 'is not a field name'),
        z.string().refine(isFieldValue, 'is not a field value'),
      )
      .default({})
      .describe('Sent along to each of its addresses'),
    tokens: z
      .strictObject({
        accessToken: jsonPath('Where the access token is').default('access_token'),
        refreshToken: jsonPath('Where the refresh token is').default('refresh_token'),
        expiresIn: jsonPath('Where the lifetime in seconds is').default('expires_in'),
        scope: jsonPath('Where the scopes are').default('scope'),
      })
      .prefault({})
      .describe('Where its answers have what; they may be JSON or form-encoded'),
    user: z
      .strictObject({
        url: url('Tells whose an access token is'),
        scheme: z
          .string()
          .refine(isToken, 'is not the name of a scheme')
          .default('Bearer')
          .describe('Stands before the token in Authorization'),
        subject: jsonPath('Where the answer has what never changes of a user').default('id'),
        claims: z
          .record(z.string().min(1).max(100), jsonPath('Where the answer has it'))
          .default({})
          .describe('Claims, by where the answer has them; none: every member of the answer is one'),
      })
      .optional()
      .describe('Needed where a login begins with this provider'),
  })
  .describe('OAuth 2.0 without OpenID Connect, or with odd answers');

export const moduleProviderSchema = z
  .looseObject({
    organization: ownerSchema,
    kind: z
      .string()
      // Aborts, so that a union asks its other branches what is wrong.
      .regex(/^(?:\.{1,2})?\//, {
        error: 'is not the path of a module, such as ./providers/own.ts',
        abort: true,
      })
      .describe('Path of a module of your own, which exports `provider`; all else here are its options'),
  })
  .describe('A class of your own');

/** An identity provider: where users log in and tokens come from. */
export const providerSchema = z.union([
  z.discriminatedUnion(
    'kind',
    [oidcSchema, oauth2Schema],
    'is not oidc, oauth2 or the path of a module of your own, such as ./providers/own.ts',
  ),
  moduleProviderSchema,
]);

export type OidcConfig = z.output<typeof oidcSchema>;
export type OAuth2Config = z.output<typeof oauth2Schema>;
export type ProviderConfig = z.output<typeof providerSchema>;
/** The options of a module's own, with what the configuration found of the module. */
export type ModuleProviderConfig = z.output<typeof moduleProviderSchema> & {
  /** file: URL with a query that changes when the file does. */
  readonly module?: string;
};

export function isOidc(config: ProviderConfig): config is OidcConfig {
  return config.kind === undefined || config.kind === 'oidc';
}

export function isOAuth2(config: ProviderConfig): config is OAuth2Config {
  return config.kind === 'oauth2';
}
