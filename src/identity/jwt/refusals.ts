import type { Refused } from '../authenticator.ts';

/** Why a token is refused: one of the constants below. */
export type TokenRefusal = Refused;

/** RFC 6750 section 3.1: `invalid_token`. */
function refused(detail: string): TokenRefusal {
  return { kind: 'refused', code: 'invalid_token', detail };
}

export const TOO_LONG = refused('The token is longer than is accepted here.');
export const MALFORMED = refused('The token is not a signed JWT as it must be.');
export const UNKNOWN_ISSUER = refused('The issuer of the token is not accepted here.');
export const WRONG_ALGORITHM = refused('The algorithm of the token is not accepted here.');
export const UNKNOWN_KEY = refused('The key that the token names is not known.');
export const WRONG_SIGNATURE = refused('The signature of the token is wrong.');
export const WRONG_TYPE = refused('The type of the token is not accepted here.');
export const ID_TOKEN = refused(
  'The token is an ID token: it is for the client that asked for it, not for an API.',
);
export const EXPIRED: TokenRefusal = refused('The token has expired.');
export const TOO_OLD = refused('The token was issued longer ago than is accepted here.');
export const TOO_EARLY = refused('The token is not valid yet.');
export const WRONG_AUDIENCE = refused('The token is for another audience.');
export const WRONG_PARTY = refused('The token was issued to a client that is not accepted here.');
export const WRONG_CLAIMS = refused('A claim of the token is missing or is not what it must be.');
export const NO_SUBJECT = refused('The token names no subject.');
/** Of an opaque token. */
export const MALFORMED_TOKEN = refused('The token has a character that no token has.');
export const NOT_ACTIVE = refused('The token is not valid.');
export const WRONG_USE = refused('The token is none that a request is sent with.');
