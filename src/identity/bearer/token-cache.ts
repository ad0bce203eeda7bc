import { keptText } from '../../lib/kept-text.ts';

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

/** What is known of tokens, by their exact text or its hash, until that is over. Tokens that nobody asks for make room. */
export class TokenCache<Cached extends CachedToken> {
  readonly #options: TokenCacheOptions;
  readonly #tokens = new Map<string, Cached>();
  #bytes = 0;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  get(token: string, nowMs: number): Cached | undefined {
    const found = this.#tokens.get(token);
    if (found === undefined) return undefined;
    if (found.expiresAtMs <= nowMs || found.key?.withdrawn === true) {
      this.#drop(token);
      return undefined;
    }
    found.used = true;
    return found;
  }

  put(token: string, cached: Cached): void {
    const { maxTokens, maxBytes } = this.#options;
    const { bytes } = cached;
    this.#drop(token);
    if (bytes > maxBytes || maxTokens === 0) return;
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
    this.#bytes -= this.#tokens.get(token)?.bytes ?? 0;
    this.#tokens.delete(token);
  }
}

/** The claims of a token as objects take about four octets for each of their text, beside what a token takes at least. */
export function bytesTaken(textLength: number): number {
  return textLength * 4 + 500;
}
