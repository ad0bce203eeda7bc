import { keptText } from '../../lib/kept-text.ts';
import type { Finding, Known } from '../authenticator.ts';
import type { PrincipalReader } from '../bearer/principal-reader.ts';
import { bytesTaken, type CachedToken, TokenCache, type TokenCacheOptions } from '../bearer/token-cache.ts';
import type { KeySource } from './key-source.ts';
import { TokenReader, type UnverifiedToken } from './read-token.ts';
import { NO_SUBJECT, TOO_LONG, UNKNOWN_ISSUER } from './refusals.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';
import type { VerificationKey } from './verification-key.ts';

/** An issuer, and how its callers are told. */
export interface AcceptedIssuer {
  readonly issuer: TrustedIssuer;
  readonly principals: PrincipalReader;
}

export interface TokenVerifierOptions {
  readonly issuers: readonly AcceptedIssuer[];
  readonly maxTokenLength: number;
  readonly cache: TokenCacheOptions;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Lets go of the issuers' keys. */
  readonly close: () => void;
}

interface VerifiedToken extends CachedToken {
  readonly finding: Known;
  readonly key: VerificationKey;
  readonly keys: KeySource;
}

/** Verifies JWTs (RFC 7519) of several issuers, each once: then it is known by its text until it expires. */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<unknown, AcceptedIssuer>;
  readonly #maxLength: number;
  readonly #nowMs: () => number;
  readonly #close: () => void;
  readonly #cache: TokenCache<VerifiedToken>;
  readonly #reader = new TokenReader();
  /** Tokens that are being verified: many requests may bring a new one at once. */
  readonly #pending = new Map<string, Promise<Finding>>();

  constructor({ issuers, maxTokenLength, cache, nowMs, close }: TokenVerifierOptions) {
    this.#issuers = new Map(issuers.map((accepted) => [accepted.issuer.rules.issuer, accepted]));
    this.#maxLength = maxTokenLength;
    this.#nowMs = nowMs;
    this.#close = close;
    this.#cache = new TokenCache(cache);
  }

  /** Synchronous for a token that is known, and for one that is refused for its looks. Never rejects. */
  verify(token: string): Finding | Promise<Finding> {
    if (token.length > this.#maxLength) return TOO_LONG;
    const known = this.#cache.get(token, this.#nowMs());
    if (known === undefined) return this.#pending.get(token) ?? this.#verifyNew(token);
    known.keys.touch();
    return known.finding;
  }

  close(): void {
    this.#close();
  }

  #verifyNew(token: string): Finding | Promise<Finding> {
    const unverified = this.#reader.read(token);
    if ('kind' in unverified) return unverified;
    // What a token says of its issuer chooses among those that are accepted; it leads nowhere else (RFC 8725 section 3.8).
    const accepted = this.#issuers.get(unverified.issuer);
    if (accepted === undefined) return UNKNOWN_ISSUER;
    const finding = this.#verifyOf(accepted, token, unverified).finally(() => this.#pending.delete(token));
    this.#pending.set(token, finding);
    return finding;
  }

  async #verifyOf(
    { issuer, principals }: AcceptedIssuer,
    token: string,
    unverified: UnverifiedToken,
  ): Promise<Finding> {
    const verdict = await issuer.verify(token, unverified, this.#nowMs());
    if (verdict.kind !== 'verified') return verdict;
    const { claims, key, keys, expiresAtMs } = verdict;
    // As long as the token is taken: what is made of the caller, such as a token for a service, must not be over before.
    const principal = principals.read(claims, issuer.rules.issuer, expiresAtMs);
    if (principal === undefined) return NO_SUBJECT;
    const text = keptText(token);
    const finding = { kind: 'known', principal, token: text } as const;
    // The keys may have been replaced meanwhile.
    if (!key.withdrawn) {
      const bytes = bytesTaken(token.length);
      this.#cache.put(text, { finding, expiresAtMs, key, keys, bytes, used: false });
    }
    return finding;
  }
}
