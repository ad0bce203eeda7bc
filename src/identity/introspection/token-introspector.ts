import { hash } from 'node:crypto';
import type { IntrospectionResponse } from 'openid-client';
import type { Finding, Known, Refused } from '../authenticator.ts';
import type { PrincipalReader } from '../bearer/principal-reader.ts';
import { bytesTaken, type CachedToken, TokenCache, type TokenCacheOptions } from '../bearer/token-cache.ts';
import { isToken68 } from '../bearer/token-source.ts';
import { isUnavailable } from '../discovery/remote-document.ts';
import {
  EXPIRED,
  MALFORMED_TOKEN,
  NO_SUBJECT,
  NOT_ACTIVE,
  TOO_EARLY,
  TOO_LONG,
  UNKNOWN_ISSUER,
  WRONG_AUDIENCE,
  WRONG_CLAIMS,
  WRONG_USE,
} from '../jwt/refusals.ts';
import type { IntrospectionClient } from './introspection-client.ts';

export interface TokenIntrospectorOptions {
  readonly client: Pick<IntrospectionClient, 'ask' | 'close'>;
  readonly principals: PrincipalReader;
  /** Whose tokens they are, where the answer does not say; an answer that says another is refused. */
  readonly issuer: string | undefined;
  /** Any of these; undefined: whoever the token is for. */
  readonly audiences: readonly string[] | undefined;
  readonly maxTokenLength: number;
  /** So long a token counts as good after the server said so, if it does not expire before. */
  readonly maxTtlMs: number;
  /** So long a token counts as refused. */
  readonly refusedTtlMs: number;
  readonly cache: TokenCacheOptions;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

interface JudgedToken extends CachedToken {
  readonly finding: Known | Refused;
}

/** By which the clocks of server and gateway may differ: a token that begins later is not valid yet. */
const SKEW_MS = 30_000;

/** Knows opaque tokens by asking about each once in a while (RFC 7662), and keeps their hashes alone. */
export class TokenIntrospector {
  readonly #options: TokenIntrospectorOptions;
  readonly #cache: TokenCache<JudgedToken>;
  /** Tokens that are being asked about, by their hash. */
  readonly #pending = new Map<string, Promise<Finding>>();

  constructor(options: TokenIntrospectorOptions) {
    this.#options = options;
    this.#cache = new TokenCache(options.cache);
  }

  /** Never rejects. */
  verify(token: string): Finding | Promise<Finding> {
    if (token.length > this.#options.maxTokenLength) return TOO_LONG;
    if (!isToken68(token)) return MALFORMED_TOKEN;
    const key = hash('sha256', token, 'base64url');
    const known = this.#cache.get(key, this.#options.nowMs());
    return known?.finding ?? this.#pending.get(key) ?? this.#ask(key, token);
  }

  close(): void {
    this.#options.client.close();
  }

  #ask(key: string, token: string): Promise<Finding> {
    const finding = this.#judge(key, token).finally(() => this.#pending.delete(key));
    this.#pending.set(key, finding);
    return finding;
  }

  async #judge(key: string, token: string): Promise<Finding> {
    const { client, nowMs, maxTtlMs, refusedTtlMs } = this.#options;
    const answer = await client.ask(token);
    if (isUnavailable(answer)) return answer;
    const now = nowMs();
    const finding = this.#findingOf(answer, now);
    const expiresAtMs =
      finding.kind === 'known' ? Math.min(finding.principal.expiresAtMs, now + maxTtlMs) : now + refusedTtlMs;
    const bytes = bytesTaken(finding.kind === 'known' ? JSON.stringify(answer).length : 0);
    if (expiresAtMs > now) this.#cache.put(key, { finding, expiresAtMs, bytes, used: false });
    return finding;
  }

  /** RFC 7662 section 2.2, and section 4 for what whoever asks has to check. */
  #findingOf(answer: IntrospectionResponse, now: number): Known | Refused {
    if (!answer.active) return NOT_ACTIVE;
    if (isOfOtherUse(answer)) return WRONG_USE;
    const { exp, nbf, aud, iss } = answer as Readonly<Record<string, unknown>>;
    if (!isDate(exp) || !isDate(nbf)) return WRONG_CLAIMS;
    if (exp !== undefined && exp * 1000 <= now) return EXPIRED;
    if (nbf !== undefined && nbf * 1000 > now + SKEW_MS) return TOO_EARLY;
    const { issuer, audiences, principals } = this.#options;
    if (iss !== undefined && issuer !== undefined && iss !== issuer) return UNKNOWN_ISSUER;
    if (audiences !== undefined && !namesOne(aud, audiences)) return WRONG_AUDIENCE;
    const from = issuer ?? (typeof iss === 'string' ? iss : '');
    const principal = principals.read(
      answer,
      from,
      exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000,
    );
    return principal === undefined ? NO_SUBJECT : { kind: 'known', principal };
  }
}

/**
 * Whether it says that it is no bearer token of access. Servers call refresh tokens active too: by RFC 7662 section 2.2 those have another
 * `token_type` or none; `token_use` is how Ory Hydra and Amazon Cognito tell, `typ` how Keycloak does.
 */
function isOfOtherUse(answer: IntrospectionResponse): boolean {
  const { token_type: type, token_use: use, typ } = answer as Readonly<Record<string, unknown>>;
  if (type !== undefined && type !== null && !isWord(type, 'bearer') && !isWord(type, 'access_token'))
    return true;
  if (typeof use === 'string' && !isWord(use, 'access') && !isWord(use, 'access_token')) return true;
  return typeof typ === 'string' && OTHER_TYPES.has(typ.toLowerCase());
}

const OTHER_TYPES: ReadonlySet<string> = new Set(['refresh', 'offline', 'id', 'logout']);

function isWord(value: unknown, word: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === word;
}

function isDate(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value));
}

function namesOne(aud: unknown, audiences: readonly string[]): boolean {
  return Array.isArray(aud)
    ? audiences.some((audience) => aud.includes(audience))
    : typeof aud === 'string' && audiences.includes(aud);
}
