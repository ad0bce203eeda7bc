import { generateKeyPairSync, sign } from 'node:crypto';

const ISSUER = 'https://id.example.com/realms/bench';
const AUDIENCE = 'bench';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** A token as an identity provider's, of some 850 letters, that lasts longer than a run. */
function token(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    aud: [AUDIENCE, 'account'],
    sub: '7d50c5f5-be76-5f4a-beb9-a9ae29a0af1e',
    azp: 'spa',
    iat: now,
    exp: now + 24 * 3600,
    scope: 'openid profile email',
    realm_access: { roles: ['offline_access', 'uma_authorization', 'default-roles-bench'] },
    name: 'Alice Adams',
    preferred_username: 'alice',
    email: 'alice@example.com',
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const input = `${encode({ alg: 'RS256', kid: 'bench', typ: 'JWT' })}.${encode(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
}

/** Sent with each request of the scenario `jwt`. */
export const JWT_HEADERS: Readonly<Record<string, string>> = { Authorization: `Bearer ${token()}` };

/** Takes that token, and needs no provider for it. */
export const JWT_POLICIES: readonly object[] = [
  {
    jwt: {
      issuers: [
        { issuer: ISSUER, jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench' }] } },
      ],
      audience: AUDIENCE,
    },
  },
];
