import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isRecord } from '../../lib/is-record.ts';
import { type LogoutNotice, ProviderRefused, ProviderUnavailable } from './provider.ts';

export interface LogoutTokenRules {
  readonly issuer: string;
  readonly clientId: string;
  readonly keys: JWTVerifyGetKey;
  readonly nowMs: number;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const SKEW_S = 60;
/** Since it was issued: it is sent at once. */
const MAX_AGE_S = 600;
const MAX_TEXT = 1000;

/** Verifies a logout token (OpenID Connect Back-Channel Logout section 2.6). Rejects with `ProviderRefused` where it is none. */
export async function verifyLogoutToken(
  token: string,
  { issuer, clientId, keys, nowMs }: LogoutTokenRules,
): Promise<LogoutNotice> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience: clientId,
    algorithms: ALGORITHMS,
    clockTolerance: SKEW_S,
    maxTokenAge: MAX_AGE_S,
    requiredClaims: ['iat', 'jti', 'events'],
    currentDate: new Date(nowMs),
  }).catch((error: unknown) => {
    throw isOfToken(error)
      ? refused('it is not a token of the provider for this client', error)
      : unavailable(error);
  });
  const type = protectedHeader.typ?.toLowerCase();
  if (type !== undefined && type !== 'logout+jwt' && type !== 'jwt')
    throw refused('it is a token of another type');
  const { events, nonce, sub, sid, jti, iat, exp } = payload as Record<string, unknown>;
  // So that an ID token is not taken for one.
  if (nonce !== undefined) throw refused('it has a nonce');
  if (typeof events !== 'object' || events === null || !isRecord((events as Record<string, unknown>)[EVENT]))
    throw refused('it is not about a logout');
  const subject = textOf(sub);
  const session = textOf(sid);
  const id = textOf(jti);
  if (id === undefined || (subject === undefined && session === undefined))
    throw refused('it does not say who has left');
  const endS = typeof exp === 'number' ? exp : Number(iat) + MAX_AGE_S;
  return { sid: session, subject, id, expiresAtMs: (endS + SKEW_S) * 1000 };
}

function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    error.code !== 'ERR_JOSE_GENERIC'
  );
}

function refused(what: string, cause?: unknown): ProviderRefused {
  return new ProviderRefused('invalid_request', `the logout token is refused: ${what}`, { cause });
}

function unavailable(cause: unknown): ProviderUnavailable {
  return new ProviderUnavailable('the keys of the provider cannot be read', { cause });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT ? value : undefined;
}
