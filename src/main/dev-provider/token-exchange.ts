import { createLocalJWKSet, jwtVerify, type JWK as PublicKey } from 'jose';
import { errors, type JWK, type Provider, type ResourceServerInstance } from 'oidc-provider';
import type { DevIssuerSettings } from './settings.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** RFC 8693 section 2.1 */
interface ExchangeParameters {
  readonly subject_token?: string;
  readonly subject_token_type?: string;
  readonly requested_token_type?: string;
  readonly audience?: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly [name: string]: unknown;
}

interface IssuerParts {
  readonly settings: DevIssuerSettings;
  /** Private keys of the issuer. */
  readonly keys: readonly JWK[];
}

/** Lets clients of the issuer exchange its access tokens for ones of whatever audience they name (RFC 8693), of the same form. */
export function offerTokenExchange(provider: Provider, parts: IssuerParts): void {
  provider.registerGrantType<ExchangeParameters>(
    TOKEN_EXCHANGE,
    async (context) => {
      const { client, params } = context.oidc;
      const { subject_token: subject, subject_token_type: type, requested_token_type: wanted } = params;
      if (subject === undefined || type === undefined)
        throw new errors.InvalidRequest('subject_token and subject_token_type are required');
      if (type !== ACCESS_TOKEN || (wanted !== undefined && wanted !== ACCESS_TOKEN))
        throw new errors.InvalidRequest('only access tokens are exchanged, for access tokens');
      const accountId = await subjectOf(provider, parts, subject);
      if (accountId === undefined) throw new errors.InvalidGrant('the subject_token is not valid');
      const { audience = params.resource, scope } = params;
      const grant = new provider.Grant({ clientId: client.clientId, accountId });
      if (scope !== undefined) grant.addOIDCScope(scope);
      const isJwt = parts.settings.accessTokens === 'jwt';
      const token = new provider.AccessToken({
        client,
        accountId,
        grantId: await grant.save(),
        gty: 'token_exchange',
        scope,
        ...(isJwt && { resourceServer: resourceServer(audience ?? parts.settings.audience, parts, scope) }),
      });
      if (audience !== undefined && !isJwt) token.setAudience(audience);
      const issued = await token.save();
      context.body = {
        access_token: issued,
        issued_token_type: ACCESS_TOKEN,
        token_type: token.tokenType,
        expires_in: token.expiration,
        ...(scope !== undefined && { scope }),
      };
    },
    ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'],
  );
}

/** Whose access token of the issuer it is; undefined where it is none. Signed ones are nowhere kept. */
async function subjectOf(
  provider: Provider,
  { keys }: IssuerParts,
  text: string,
): Promise<string | undefined> {
  const kept = (await provider.AccessToken.find(text)) ?? (await provider.ClientCredentials.find(text));
  if (kept !== undefined) return kept.kind === 'AccessToken' ? kept.accountId : kept.clientId;
  try {
    const key = createLocalJWKSet({ keys: keys.map(publicPart) });
    const { payload } = await jwtVerify(text, key, { issuer: provider.issuer, typ: 'at+jwt' });
    return payload.sub;
  } catch {
    return undefined;
  }
}

function publicPart({ kty, kid, alg, crv, x, y, n, e }: JWK): PublicKey {
  return JSON.parse(JSON.stringify({ kty, kid, alg, crv, x, y, n, e })) as PublicKey;
}

function resourceServer(audience: string, { settings }: IssuerParts, scope = ''): ResourceServerInstance {
  return {
    audience,
    scope,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: settings.algorithm } },
    scopes: new Set(scope.split(' ')),
    identifier: () => audience,
  };
}
