import { keptText } from '../../lib/kept-text.ts';
import type { Known } from '../authenticator.ts';
import type { KeySource } from './key-source.ts';
import type { VerificationKey } from './verification-key.ts';

/** A token that has been verified. */
export interface CachedToken {
  readonly finding: Known;
  /** Milliseconds since 1970 from which on it is refused. */
  readonly expiresAtMs: number;
  readonly key: VerificationKey;
  readonly keys: KeySource;
  /** Asked for since it was last looked over. */
  used: boolean;
}

export interface TokenCacheOptions {
  readonly maxTokens: number;
  /** Of tokens with what is known of them, roughly. */
  readonly maxBytes: number;
}

/** The claims of a token as objects take about so many octets for each of its own. */
const OCTETS_PER_LETTER = 4;
const OCTETS_PER_TOKEN = 500;
/** Tokens that are looked over for the room of one. */
const MAX_LOOKED_OVER = 32;

/** Verified tokens by their exact text, until they expire or the key that they were verified with is withdrawn. The least used make room. */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #tokens = new Map<string, CachedToken>();
  #bytes = 0;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  get(token: string, nowMs: number): CachedToken | undefined {
    const found = this.#tokens.get(token);
    if (found === undefined) return undefined;
    if (found.expiresAtMs <= nowMs || found.key.withdrawn) {
      this.#drop(token);
      return undefined;
    }
    found.used = true;
    return found;
  }

  put(token: string, cached: CachedToken): void {
    const { maxTokens, maxBytes } = this.#options;
    const bytes = bytesOf(token);
    if (bytes > maxBytes || maxTokens === 0) return;
    this.#drop(token);
    while (this.#tokens.size >= maxTokens || this.#bytes + bytes > maxBytes) this.#makeRoom();
    this.#tokens.set(keptText(token), cached);
    this.#bytes += bytes;
  }

  get size(): number {
    return this.#tokens.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Drops the oldest token that was not used since it was looked over last. */
  #makeRoom(): void {
    let looked = 0;
    for (const [token, cached] of this.#tokens) {
      if (!cached.used || ++looked > MAX_LOOKED_OVER) return this.#drop(token);
      cached.used = false;
      this.#tokens.delete(token);
      this.#tokens.set(token, cached);
    }
  }

  #drop(token: string): void {
    if (this.#tokens.delete(token)) this.#bytes -= bytesOf(token);
  }
}

function bytesOf(token: string): number {
  return token.length * OCTETS_PER_LETTER + OCTETS_PER_TOKEN;
}
