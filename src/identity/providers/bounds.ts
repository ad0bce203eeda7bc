import { type GrantTokens, ProviderRefused, type ProviderUser } from './provider.ts';

/** No service takes one half as long in a field; ID tokens of users with thousands of groups come near. */
const MAX_TOKEN_LENGTH = 65_536;
/** As JSON: every worker that sees the user keeps them, and a user may have a say in them, as in their groups or their picture. */
const MAX_CLAIMS_LENGTH = 65_536;
/** OpenID Connect Core section 2 has 255 for `sub`. */
const MAX_NAME_LENGTH = 1000;
/** Said to last longer, a token is as one of which nothing is said: dates end somewhere. */
const MAX_LIFE_S = 100 * 365 * 86_400;

/** Rejects tokens that are not worth storing, with `ProviderRefused`. */
export function boundedTokens(tokens: GrantTokens): GrantTokens {
  const { accessToken, refreshToken = '', idToken = '' } = tokens;
  for (const token of [accessToken, refreshToken, idToken])
    if (!isBounded(token)) throw tooMuch(`has a token of more than ${MAX_TOKEN_LENGTH} characters`);
  return tokens;
}

export function isBounded(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH;
}

/** Rejects a user of whom too much is said, with `ProviderRefused`: without some of it, a rule that asks for a group would be another. */
export function boundedUser(user: ProviderUser): ProviderUser {
  const { subject, sid = '', claims } = user;
  if (subject.length > MAX_NAME_LENGTH || sid.length > MAX_NAME_LENGTH)
    throw tooMuch(`names a user or a session with more than ${MAX_NAME_LENGTH} characters`);
  if (lengthOf(claims) > MAX_CLAIMS_LENGTH)
    throw tooMuch(`says more than ${MAX_CLAIMS_LENGTH} characters of a user: have it give fewer claims`);
  return user;
}

/** When a token ends that lasts so many seconds; Infinity where that is not to be known. */
export function expiryOf(seconds: number | undefined, nowMs: number): number {
  return seconds !== undefined && seconds <= MAX_LIFE_S ? nowMs + seconds * 1000 : Number.POSITIVE_INFINITY;
}

function lengthOf(claims: ProviderUser['claims']): number {
  try {
    return JSON.stringify(claims).length;
  } catch {
    // Nested more deeply than the stack.
    return Number.POSITIVE_INFINITY;
  }
}

function tooMuch(what: string): ProviderRefused {
  return new ProviderRefused('invalid_response', `the provider's answer ${what}`);
}
