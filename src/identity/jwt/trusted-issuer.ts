import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Unavailable } from '../authenticator.ts';
import { type TokenUse, useOf } from '../bearer/token-use.ts';
import type { KeySource } from './key-source.ts';
import type { UnverifiedToken } from './read-token.ts';
import {
  EXPIRED,
  ID_TOKEN,
  TOO_EARLY,
  TOO_OLD,
  type TokenRefusal,
  UNKNOWN_ISSUER,
  WRONG_ALGORITHM,
  WRONG_AUDIENCE,
  WRONG_CLAIMS,
  WRONG_PARTY,
  WRONG_SIGNATURE,
  WRONG_TYPE,
} from './refusals.ts';
import { tryKeys } from './try-keys.ts';
import type { VerificationKey } from './verification-key.ts';

/** What a token of an issuer must be. */
export interface TokenRules {
  readonly issuer: string;
  /** Any of these; undefined: whoever the token is for. */
  readonly audiences: readonly string[] | undefined;
  /** Clients that it may have been issued to, by its `azp`; undefined: any. */
  readonly authorizedParties: readonly string[] | undefined;
  readonly algorithms: readonly string[];
  /** `typ` of its header, such as `at+jwt`; undefined: any but those that are of no token of access. */
  readonly type: string | undefined;
  /** Whether tokens are taken that tell a client who logged in. */
  readonly takesIdTokens: boolean;
  /** By which the clocks of issuer and gateway may differ. */
  readonly skewMs: number;
  /** Since it was issued; undefined: until it expires. */
  readonly maxAgeMs: number | undefined;
  readonly needsExpiry: boolean;
}

export interface Verified {
  readonly kind: 'verified';
  readonly claims: JWTPayload;
  readonly key: VerificationKey;
  readonly keys: KeySource;
  /** Milliseconds since 1970 from which on it is refused, skew included. */
  readonly expiresAtMs: number;
}

type Verdict = Verified | TokenRefusal | Unavailable;

/** An issuer whose tokens are accepted: its keys, and what its tokens must be. */
export class TrustedIssuer {
  readonly rules: TokenRules;
  readonly #algorithms: ReadonlySet<string>;
  readonly #keys: KeySource;
  readonly #options: Parameters<typeof jwtVerify>[2];

  constructor(rules: TokenRules, keys: KeySource) {
    this.rules = rules;
    this.#keys = keys;
    this.#algorithms = new Set(rules.algorithms);
    this.#options = {
      issuer: rules.issuer,
      clockTolerance: Math.floor(rules.skewMs / 1000),
      requiredClaims: rules.needsExpiry ? ['exp'] : [],
      ...(rules.audiences === undefined ? undefined : { audience: [...rules.audiences] }),
      ...(rules.type === undefined ? undefined : { typ: rules.type }),
      ...(rules.maxAgeMs === undefined ? undefined : { maxTokenAge: Math.floor(rules.maxAgeMs / 1000) }),
    };
  }

  /** Never rejects. */
  async verify(token: string, { algorithm, kid }: UnverifiedToken, nowMs: number): Promise<Verdict> {
    // Before any key is looked for, so that a token's header chooses among what is accepted alone (RFC 8725 section 3.1).
    if (!this.#algorithms.has(algorithm)) return WRONG_ALGORITHM;
    return tryKeys(this.#keys, { algorithm, kid }, (key) => this.#tryKey(token, algorithm, key, nowMs));
  }

  async #tryKey(token: string, algorithm: string, key: VerificationKey, nowMs: number): Promise<Verdict> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await key.forAlgorithm(algorithm), {
        ...this.#options,
        algorithms: [algorithm],
        currentDate: new Date(nowMs),
      });
      if (this.rules.type === undefined && isOfOtherUse(protectedHeader.typ)) return WRONG_TYPE;
      return this.#checkClaims(payload, key, nowMs);
    } catch (error) {
      return refusalOf(error);
    }
  }

  /** What jose leaves open. */
  #checkClaims(claims: JWTPayload, key: VerificationKey, nowMs: number): Verdict {
    const { skewMs, maxAgeMs, takesIdTokens } = this.rules;
    const { iat: issuedAt, exp } = claims;
    if (issuedAt !== undefined && issuedAt * 1000 > nowMs + skewMs) return TOO_EARLY;
    const use = useOf(claims);
    if (use === 'other') return WRONG_TYPE;
    if (use === 'id' && !takesIdTokens) return ID_TOKEN;
    if (!this.#isOfParty(claims, use)) return WRONG_PARTY;
    const ends = [
      ...(exp === undefined ? [] : [exp * 1000]),
      ...(issuedAt === undefined || maxAgeMs === undefined ? [] : [issuedAt * 1000 + maxAgeMs]),
    ];
    const expiresAtMs = Math.min(...ends) + skewMs;
    return { kind: 'verified', claims, key, keys: this.#keys, expiresAtMs };
  }

  #isOfParty(claims: JWTPayload, use: TokenUse): boolean {
    const { authorizedParties, audiences } = this.rules;
    if (authorizedParties !== undefined) return isAmong(authorizedParties, partyOf(claims, use));
    if (use !== 'id') return true;
    // Of an ID token the party is whom it is for, and has to be said where it is for several (OpenID Connect Core section 3.1.3.7).
    const { aud, azp } = claims;
    if (azp === undefined) return !Array.isArray(aud) || aud.length === 1;
    return audiences === undefined || isAmong(audiences, azp);
  }
}

/** The client that it was issued to: of an access token RFC 9068 section 2.2 says client_id; those that came before it say azp, as ID tokens do. */
function partyOf({ azp, client_id: client }: JWTPayload, use: TokenUse): unknown {
  return azp === undefined && use === 'access' ? client : azp;
}

function isAmong(parties: readonly string[], party: unknown): boolean {
  return typeof party === 'string' && parties.includes(party);
}

/**
 * What is no token of access says so by its type: tokens of logout, proofs, answers of an introspection (RFC 8725 section 3.11). A type may have
 * parameters (RFC 7515 section 4.1.9).
 */
function isOfOtherUse(type: string | undefined): boolean {
  return type !== undefined && /\+jwt\s*(?:;|$)/i.test(type) && !/^(?:application\/)?at\+jwt$/i.test(type);
}

/** Codes of jose are stable; what it says of a token is not for clients. */
function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return error.claim === 'exp' ? EXPIRED : TOO_OLD;
  if (!(error instanceof errors.JWTClaimValidationFailed)) return WRONG_SIGNATURE;
  if (error.reason !== 'check_failed') return error.claim === 'aud' ? WRONG_AUDIENCE : WRONG_CLAIMS;
  switch (error.claim) {
    case 'iss':
      return UNKNOWN_ISSUER;
    case 'aud':
      return WRONG_AUDIENCE;
    case 'typ':
      return WRONG_TYPE;
    case 'nbf':
    case 'iat':
      return TOO_EARLY;
    default:
      return WRONG_CLAIMS;
  }
}
