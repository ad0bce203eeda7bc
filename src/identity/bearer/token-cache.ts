/** What is known of a token. */
export interface CachedToken {
  /** Milliseconds since 1970 from which on that is over. */
  readonly expiresAtMs: number;
  /** What it is known by, if that may be withdrawn before. */
  readonly key?: { readonly withdrawn: boolean };
  /** Octets that it takes, roughly. */
  readonly bytes: number;
  /** Asked for since it was last looked over. */
  used: boolean;
}

export interface TokenCacheOptions {
  readonly maxTokens: number;
  /** Of tokens with what is known of them, roughly. */
  readonly maxBytes: number;
}

/** Tokens that are looked over for the room of one. */
const MAX_LOOKED_OVER = 32;
/**
 * Tokens are looked up by their end, which is a signature or as unlike others as one, and then compared whole: to hash all of a JWT would take
 * most of the time that it costs (1.1 us for 860 letters).
 */
const KEY_LENGTH = 48;

interface Kept<Cached> {
  readonly token: string;
  readonly cached: Cached;
}

/** What is known of tokens, by their exact text or its hash, until that is over. Tokens that nobody asks for make room. */
export class TokenCache<Cached extends CachedToken> {
  readonly #options: TokenCacheOptions;
  readonly #tokens = new Map<string, Kept<Cached>>();
  #bytes = 0;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  get(token: string, nowMs: number): Cached | undefined {
    const kept = this.#tokens.get(keyOf(token));
    if (kept === undefined || kept.token !== token) return undefined;
    const { cached } = kept;
    if (cached.expiresAtMs <= nowMs || cached.key?.withdrawn === true) {
      this.#drop(keyOf(token));
      return undefined;
    }
    cached.used = true;
    return cached;
  }

  /** `token` is kept: a text of its own, as `keptText` makes it. */
  put(token: string, cached: Cached): void {
    const { maxTokens, maxBytes } = this.#options;
    const { bytes } = cached;
    const key = keyOf(token);
    this.#drop(key);
    if (bytes > maxBytes || maxTokens === 0) return;
    while (this.#tokens.size >= maxTokens || this.#bytes + bytes > maxBytes) this.#makeRoom();
    this.#tokens.set(key, { token, cached });
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
    for (const [key, kept] of this.#tokens) {
      if (!kept.cached.used || ++looked > MAX_LOOKED_OVER) return this.#drop(key);
      kept.cached.used = false;
      this.#tokens.delete(key);
      this.#tokens.set(key, kept);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#tokens.get(key)?.cached.bytes ?? 0;
    this.#tokens.delete(key);
  }
}

function keyOf(token: string): string {
  return token.length > KEY_LENGTH ? token.slice(-KEY_LENGTH) : token;
}

/** The claims of a token as objects take about four octets for each of their text, beside what a token takes at least. */
export function bytesTaken(textLength: number): number {
  return textLength * 4 + 500;
}
