import { BoundedMap } from '../../lib/bounded-map.ts';
import { messageOf } from '../../lib/message-of.ts';
import { type GrantTokens, ProviderRefused } from '../providers/provider.ts';

/** What came of asking for a token that is no user's grant. */
export type TokenFinding =
  | { readonly kind: 'known'; readonly tokens: GrantTokens }
  /** The provider will not. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unavailable' }
  | typeof UNASKED;

/** The caller has nothing to ask with at the moment: somebody has to give them that first. */
const UNASKED = { kind: 'unasked' } as const;

/** Why a token is not asked for at all. */
export class NothingToAskWith extends Error {
  override readonly name = 'NothingToAskWith';
}

export interface TokenCachePlace {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

interface Entry {
  readonly finding: TokenFinding;
  readonly obtainedAtMs: number;
  /** Then another is asked for. */
  readonly staleAtMs: number;
  /** A token serves until then while another is asked for. */
  readonly endsAtMs: number;
}

const MAX_ENTRIES = 10_000;
/** Of a token that says nothing of its end. */
const UNKNOWN_LIFE_MS = 5 * 60_000;
/** What is not to be had is not asked for at once again. */
const REFUSED_MS = 10_000;
const UNAVAILABLE_MS = 1000;
const MIN_AGE_MS = 10_000;

/** Tokens by what they are for: asked for once however many want one, renewed before they end while the old one serves; at most 10,000. */
export class TokenCache {
  readonly #place: TokenCachePlace;
  readonly #entries = new BoundedMap<string, Entry>(MAX_ENTRIES);
  readonly #asked = new Map<string, Promise<TokenFinding>>();

  constructor(place: TokenCachePlace) {
    this.#place = place;
  }

  /** `ask` may reject. */
  get(key: string, ask: () => Promise<GrantTokens>): TokenFinding | Promise<TokenFinding> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#ask(key, ask);
    const nowMs = this.#place.nowMs();
    if (nowMs < entry.staleAtMs) return entry.finding;
    if (nowMs >= entry.endsAtMs) return this.#ask(key, ask);
    void this.#ask(key, ask);
    return entry.finding;
  }

  /** Another token than this one, which somebody refused, unless it is new. */
  replaced(
    key: string,
    refused: GrantTokens,
    ask: () => Promise<GrantTokens>,
  ): TokenFinding | Promise<TokenFinding> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#ask(key, ask);
    if (entry.finding.kind !== 'known' || entry.finding.tokens.accessToken !== refused.accessToken)
      return entry.finding;
    return this.#place.nowMs() - entry.obtainedAtMs < MIN_AGE_MS ? entry.finding : this.#ask(key, ask);
  }

  /** When it resolves, nothing is asked for any more that was when it was called. */
  async settled(): Promise<void> {
    await Promise.all(this.#asked.values());
  }

  #ask(key: string, ask: () => Promise<GrantTokens>): Promise<TokenFinding> {
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      asked = this.#run(key, ask).finally(() => this.#asked.delete(key));
      this.#asked.set(key, asked);
    }
    return asked;
  }

  async #run(key: string, ask: () => Promise<GrantTokens>): Promise<TokenFinding> {
    const finding = await this.#outcome(ask);
    // Not remembered: it may be there with the next request.
    if (finding.kind === 'unasked') return finding;
    const before = this.#entries.get(key);
    const nowMs = this.#place.nowMs();
    if (finding.kind === 'unavailable' && before?.finding.kind === 'known' && nowMs < before.endsAtMs) {
      // It serves on, but not whoever had it refused.
      this.#keep(key, { ...before, staleAtMs: Math.min(before.endsAtMs, nowMs + UNAVAILABLE_MS) });
      return finding;
    }
    this.#keep(key, this.#entry(finding, nowMs));
    return finding;
  }

  async #outcome(ask: () => Promise<GrantTokens>): Promise<TokenFinding> {
    try {
      return { kind: 'known', tokens: await ask() };
    } catch (error) {
      if (error instanceof NothingToAskWith) return UNASKED;
      const reason = messageOf(error);
      this.#place.log('warn', `a token for a service was not given: ${reason}`);
      return error instanceof ProviderRefused
        ? { kind: 'refused', code: error.code }
        : { kind: 'unavailable' };
    }
  }

  #entry(finding: Exclude<TokenFinding, typeof UNASKED>, nowMs: number): Entry {
    if (finding.kind !== 'known') {
      const endsAtMs = nowMs + (finding.kind === 'refused' ? REFUSED_MS : UNAVAILABLE_MS);
      return { finding, obtainedAtMs: nowMs, staleAtMs: endsAtMs, endsAtMs };
    }
    const { expiresAtMs } = finding.tokens;
    const endsAtMs = Number.isFinite(expiresAtMs) ? expiresAtMs : nowMs + UNKNOWN_LIFE_MS;
    const leadMs = ((endsAtMs - nowMs) / 5) * (0.5 + this.#place.random() / 2);
    return { finding, obtainedAtMs: nowMs, staleAtMs: endsAtMs - leadMs, endsAtMs };
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
  }
}
