import { CLIENT_BITS, Networks } from '../../lib/cidr.ts';
import { FairQueue } from '../../lib/fair-queue.ts';
import { sha256 } from '../../lib/sha256.ts';
import type { Timers } from '../../lib/timers.ts';
import { AwaitedWork, awaitFor, stopWaiting } from '../../policy/awaited-work.ts';
import type { Exchange } from '../../policy/contract.ts';
import { type Finding, GONE, type Known, type Refused, type Unavailable } from '../authenticator.ts';
import type { PrincipalReader } from '../bearer/principal-reader.ts';
import { bytesTaken, type CachedToken, TokenCache, type TokenCacheOptions } from '../bearer/token-cache.ts';
import { isToken68 } from '../bearer/token-source.ts';
import { useOf } from '../bearer/token-use.ts';
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
import type { IntrospectionAnswer, IntrospectionClient } from './introspection-client.ts';

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
  /** Of tokens that are good. */
  readonly cache: TokenCacheOptions;
  readonly questions: QuestionBounds;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** How many tokens are asked about. */
export interface QuestionBounds {
  readonly atOnce: number;
  readonly atOncePerClient: number;
  /** How long one waits for its turn. */
  readonly longestWaitMs: number;
}

interface JudgedToken extends CachedToken {
  readonly finding: Known | Refused;
}

/** By which the clocks of server and gateway may differ: a token that begins later is not valid yet. */
const SKEW_MS = 30_000;

/** Refusals are small, and made up at will: they have a place of their own, so that they push out no token that is good. */
const REFUSED_CACHE: TokenCacheOptions = { maxTokens: 10_000, maxBytes: Number.POSITIVE_INFINITY };
/** Questions that wait, of all clients and of one. */
const WAITING = 2000;
const WAITING_PER_CLIENT = 200;

/** The endpoint is there: the client, or all of them together, send more tokens than it is asked about. */
const TOO_MANY: Unavailable = {
  kind: 'unavailable',
  code: 'overloaded',
  detail: 'Too many tokens are being asked about at the moment.',
  retryAfterMs: 1000,
};

/** Knows opaque tokens by asking about each once in a while (RFC 7662), and keeps their hashes alone. */
export class TokenIntrospector {
  readonly #options: TokenIntrospectorOptions;
  readonly #cache: TokenCache<JudgedToken>;
  readonly #refused: TokenCache<JudgedToken>;
  /** Tokens that are being asked about, by their hash. */
  readonly #pending = new Map<string, AwaitedWork<Finding>>();
  readonly #queue: FairQueue;
  /** What one customer has: an IPv4 address, or the half of an IPv6 address that names a network (RFC 6177). */
  readonly #networks = new Networks(CLIENT_BITS);

  constructor(options: TokenIntrospectorOptions) {
    this.#options = options;
    this.#cache = new TokenCache(options.cache);
    this.#refused = new TokenCache(REFUSED_CACHE);
    const { atOnce, atOncePerClient, longestWaitMs } = options.questions;
    this.#queue = new FairQueue(
      {
        atOnce,
        atOncePerParty: atOncePerClient,
        waiting: WAITING,
        waitingPerParty: WAITING_PER_CLIENT,
        longestWaitMs,
      },
      options.timers,
    );
  }

  /** Never rejects. */
  verify(token: string, exchange: Exchange): Finding | Promise<Finding> {
    if (token.length > this.#options.maxTokenLength) return TOO_LONG;
    if (!isToken68(token)) return MALFORMED_TOKEN;
    const key = sha256(token);
    const nowMs = this.#options.nowMs();
    const known = this.#cache.get(key, nowMs) ?? this.#refused.get(key, nowMs);
    if (known !== undefined) return known.finding;
    const pending = this.#pending.get(key);
    const question =
      pending === undefined || pending.isGivenUp
        ? this.#question(key, token, this.#networks.of(exchange.client.address))
        : pending;
    return awaitFor(exchange, this, question);
  }

  onEnd(exchange: Exchange): void {
    stopWaiting(exchange, this);
  }

  close(): void {
    this.#queue.close();
    this.#options.client.close();
  }

  /** Of those that bring the same token at once the first one's client has it asked about. */
  #question(key: string, token: string, client: string): AwaitedWork<Finding> {
    const question = new AwaitedWork((signal) => this.#atTurn(key, token, client, signal));
    this.#pending.set(key, question);
    void question.promise.finally(() => {
      if (this.#pending.get(key) === question) this.#pending.delete(key);
    });
    return question;
  }

  async #atTurn(key: string, token: string, client: string, signal: AbortSignal): Promise<Finding> {
    const turn = this.#queue.enter(client, signal);
    if (!(typeof turn === 'boolean' ? turn : await turn)) return signal.aborted ? GONE : TOO_MANY;
    try {
      const finding = await this.#judge(key, token, signal);
      return signal.aborted ? GONE : finding;
    } finally {
      this.#queue.leave(client);
    }
  }

  async #judge(key: string, token: string, signal: AbortSignal): Promise<Finding> {
    const { client, nowMs, maxTtlMs, refusedTtlMs } = this.#options;
    const answer = await client.ask(token, signal);
    if (!('active' in answer)) {
      if (answer.kind === 'unavailable') return answer;
      this.#queue.pause(answer.retryAfterMs);
      return { ...TOO_MANY, retryAfterMs: answer.retryAfterMs };
    }
    const now = nowMs();
    const finding = this.#findingOf(answer, now);
    const isKnown = finding.kind === 'known';
    const expiresAtMs = isKnown
      ? Math.min(finding.principal.expiresAtMs, now + maxTtlMs)
      : now + refusedTtlMs;
    const bytes = bytesTaken(isKnown ? JSON.stringify(answer).length : 0);
    const cache = isKnown ? this.#cache : this.#refused;
    if (expiresAtMs > now) cache.put(key, { finding, expiresAtMs, bytes, used: false });
    return finding;
  }

  /** RFC 7662 section 2.2, and section 4 for what whoever asks has to check. */
  #findingOf(answer: IntrospectionAnswer, now: number): Known | Refused {
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

/** Whether it says that it is no bearer token of access: servers call refresh tokens active too, of another `token_type` (RFC 7662 section 2.2). */
function isOfOtherUse(answer: IntrospectionAnswer): boolean {
  const { token_type: type } = answer;
  if (type !== undefined && type !== null && !isWord(type, 'bearer') && !isWord(type, 'access_token'))
    return true;
  return useOf(answer) !== 'access';
}

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
