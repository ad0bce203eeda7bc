import { type CookieSecret, newSecret } from './cookie-secret.ts';

/** What makes a personal access token known to people and to scanners for secrets. */
export const PERSONAL_TOKEN_PREFIX = 'pcp_';
const TOKEN = /^pcp_[A-Za-z0-9_-]{43}$/;

/** Which of a user's tokens it is, and what it may be used for. */
export interface PersonalToken {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** 256 random bits, which open what is stored of the token. */
export function newPersonalToken(): CookieSecret {
  const { octets } = newSecret();
  return { octets, text: PERSONAL_TOKEN_PREFIX + octets.toString('base64url') };
}

/** Undefined for all that `newPersonalToken` does not make. */
export function readPersonalToken(text: string): CookieSecret | undefined {
  if (!TOKEN.test(text)) return undefined;
  const octets = Buffer.from(text.slice(PERSONAL_TOKEN_PREFIX.length), 'base64url');
  return PERSONAL_TOKEN_PREFIX + octets.toString('base64url') === text ? { octets, text } : undefined;
}

/** For `sessionIdOf`: a token put into a cookie, or the other way round, is the name of nothing. */
export function personalTokenKind(sessions: string): string {
  return `${sessions}\ntoken`;
}
