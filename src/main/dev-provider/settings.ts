import type { ClientMetadata } from 'oidc-provider';

/** Somebody who can sign in at an issuer for development. The name is the `sub` of the tokens. */
export interface DevUser {
  readonly name: string;
  readonly password: string;
  /** Claims of the ID token and of the user info beside `sub`: `name`, `email`, `groups` and so on. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What an issuer for development does. A running one obeys a change at once. */
export interface DevIssuerSettings {
  users: readonly DevUser[];
  clients: readonly ClientMetadata[];
  /** Of access tokens and of ID tokens; whole seconds count. */
  accessTokenTtlMs: number;
  refreshTokenTtlMs: number;
  /** How long the browser stays signed in at the issuer. */
  sessionTtlMs: number;
  /** Who gets a refresh token: everybody, as Keycloak does it, or whoever asked for `offline_access`. */
  refreshTokens: 'always' | 'offline_access';
  /** A refresh token is redeemed once and replaced; one that comes again revokes all tokens of its grant (RFC 9700 section 4.14.2). */
  rotateRefreshTokens: boolean;
  /** `jwt`: signed, with the audience `audience` (RFC 9068); the user info then refuses them. */
  accessTokens: 'opaque' | 'jwt';
  audience: string;
  /** What its tokens are signed with. */
  algorithm: 'ES256' | 'RS256';
  /** Whether users are asked what a client may do. */
  consent: 'automatic' | 'page';
}

const MINUTE_MS = 60_000;

/** Short lifetimes, so that a refresh is seen while one works, and refresh tokens that can be redeemed once. */
export const DEV_ISSUER_DEFAULTS: DevIssuerSettings = {
  users: [
    {
      name: 'alice',
      password: 'alice',
      claims: {
        name: 'Alice Adams',
        email: 'alice@example.com',
        email_verified: true,
        groups: ['staff', 'admins'],
      },
    },
    {
      name: 'bob',
      password: 'bob',
      claims: { name: 'Bob Brown', email: 'bob@example.com', email_verified: true, groups: ['staff'] },
    },
  ],
  clients: [],
  accessTokenTtlMs: 2 * MINUTE_MS,
  refreshTokenTtlMs: 24 * 60 * MINUTE_MS,
  sessionTtlMs: 24 * 60 * MINUTE_MS,
  refreshTokens: 'always',
  rotateRefreshTokens: true,
  accessTokens: 'opaque',
  audience: 'urn:portcullis:dev',
  algorithm: 'ES256',
  consent: 'automatic',
};
