import { errors, jwtVerify } from 'jose';
import { isRecord } from '../../lib/is-record.ts';
import type { KeySource } from '../jwt/key-source.ts';
import { WRONG_SIGNATURE } from '../jwt/refusals.ts';
import { tryKeys } from '../jwt/try-keys.ts';
import { headerOf } from './id-token.ts';
import { type LogoutNotice, ProviderRefused, ProviderUnavailable } from './provider.ts';

export interface LogoutTokenRules {
  readonly issuer: string;
  readonly clientId: string;
  readonly keys: KeySource;
  readonly nowMs: number;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const SKEW_S = 60;
/** Since it was issued: it is sent at once. */
const MAX_AGE_S = 600;
const MAX_TEXT = 1000;

/** Verifies a logout token (OpenID Connect Back-Channel Logout section 2.6). Rejects with `ProviderRefused` where it is none. */
export async function verifyLogoutToken(
  token: string,
  { issuer, clientId, keys, nowMs }: LogoutTokenRules,
): Promise<LogoutNotice> {
  const header = headerOf(token);
  if (header === undefined) throw refused('it is not signed by a provider');
  const options = {
    issuer,
    audience: clientId,
    algorithms: [header.algorithm],
    clockTolerance: SKEW_S,
    maxTokenAge: MAX_AGE_S,
    requiredClaims: ['iat', 'jti', 'events'],
    currentDate: new Date(nowMs),
  };
  const verdict = await tryKeys(keys, header, async (key) => {
    try {
      return await jwtVerify(token, await key.forAlgorithm(header.algorithm), options);
    } catch (error) {
      if (!(error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired))
        return WRONG_SIGNATURE;
      throw refused('it is not a token of the provider for this client', error);
    }
  });
  if ('kind' in verdict)
    throw verdict.kind === 'unavailable'
      ? new ProviderUnavailable('the keys of the provider cannot be read')
      : refused(verdict.detail);
  const { payload, protectedHeader } = verdict;
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

function refused(what: string, cause?: unknown): ProviderRefused {
  return new ProviderRefused('invalid_request', `the logout token is refused: ${what}`, { cause });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT ? value : undefined;
}
