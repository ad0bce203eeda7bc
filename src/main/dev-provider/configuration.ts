import type { Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider';
import { page } from './pages.ts';
import type { DevIssuerSettings } from './settings.ts';
import type { DevStore } from './store.ts';

/** What an issuer's parts are made with. */
export interface IssuerParts {
  readonly settings: DevIssuerSettings;
  readonly store: DevStore;
  /** Private keys; the first signs. */
  readonly keys: readonly JWK[];
  /** Begins the names of cookies: those of several issuers on one host must differ, as ports do not separate cookies. */
  readonly cookiePrefix: string;
  readonly cookieKeys: readonly string[];
  /** Path of the issuer, without a slash at the end. */
  readonly mountPath: string;
}

/** The configuration of oidc-provider. What tests change while it runs is asked for with each use. */
export function configurationOf(parts: IssuerParts): Configuration {
  const { settings, store, cookiePrefix } = parts;
  const seconds = (ms: number): number => Math.max(1, Math.floor(ms / 1000));
  return {
    adapter: store.adapter,
    clients: settings.clients.map((client) => ({ ...client })),
    clientDefaults: { id_token_signed_response_alg: settings.algorithm },
    jwks: { keys: parts.keys.map((key) => ({ ...key })) },
    cookies: {
      keys: [...parts.cookieKeys],
      // Services on other ports of the host are not to see it.
      long: { path: parts.mountPath === '' ? '/' : parts.mountPath },
      names: {
        session: `${cookiePrefix}_session`,
        interaction: `${cookiePrefix}_interaction`,
        resume: `${cookiePrefix}_resume`,
      },
    },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups', 'api:read', 'api:write'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    // Claims of the scopes stand in the ID token too, as most providers have it.
    conformIdTokenClaims: false,
    findAccount: async (_context, name) => {
      const user = settings.users.find((candidate) => candidate.name === name);
      return user && { accountId: name, claims: async () => ({ ...user.claims, sub: name }) };
    },
    ttl: {
      AccessToken: () => seconds(settings.accessTokenTtlMs),
      ClientCredentials: () => seconds(settings.accessTokenTtlMs),
      IdToken: () => seconds(settings.accessTokenTtlMs),
      RefreshToken: () => seconds(settings.refreshTokenTtlMs),
      Session: () => seconds(settings.sessionTtlMs),
      Grant: () => seconds(settings.refreshTokenTtlMs),
      Interaction: 600,
    },
    rotateRefreshToken: () => settings.rotateRefreshTokens,
    issueRefreshToken: async (_context, client, token) =>
      client.grantTypeAllowed('refresh_token') &&
      (settings.refreshTokens === 'always' || token.scopes.has('offline_access')),
    loadExistingGrant: (context) => grantOf(context, settings),
    interactions: { url: (_context, interaction) => `${parts.mountPath}/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: async () => true },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      clientCredentials: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (context, form) => {
          context.body = page(
            'Sign out',
            `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
          );
        },
        postLogoutSuccessSource: async (context) => {
          context.body = page('Signed out', '<p>You are signed out here.</p>');
        },
      },
      resourceIndicators: {
        enabled: settings.accessTokens === 'jwt',
        defaultResource: async () => settings.audience,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_context, audience) => ({
          scope: 'api:read api:write profile email groups',
          audience,
          accessTokenFormat: settings.accessTokens,
          jwt: { sign: { alg: settings.algorithm } },
        }),
      },
    },
    renderError: async (context, out) => {
      context.type = 'html';
      context.body = page('Something went wrong', '', `${out.error}: ${out['error_description'] ?? ''}`);
    },
    clientBasedCORS: () => false,
    // The gateway's own address is a loopback one, which oidc-provider's guarded client does not call.
    fetch: (input, init) => {
      const { dispatcher: _guard, ...rest } = (init ?? {}) as RequestInit & { dispatcher?: unknown };
      return fetch(input, rest);
    },
  };
}

/** What the user let the client do; where nobody is asked, all that it asks for. */
async function grantOf(context: KoaContextWithOIDC, settings: DevIssuerSettings) {
  const { provider, client, session, result, params } = context.oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;
  const id = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  const known = id === undefined ? undefined : await provider.Grant.find(id);
  if (settings.consent === 'page') return known;
  const grant = known ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  allow(grant, params?.['scope'], settings);
  await grant.save();
  return grant;
}

/** Adds what was asked for to what is allowed. */
export function allow(
  grant: { addOIDCScope(scope: string): void; addResourceScope(resource: string, scope: string): void },
  scope: unknown,
  settings: DevIssuerSettings,
): void {
  if (typeof scope !== 'string') return;
  grant.addOIDCScope(scope);
  if (settings.accessTokens === 'jwt') grant.addResourceScope(settings.audience, scope);
}
