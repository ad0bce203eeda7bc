import { hkdfSync } from 'node:crypto';
import { CLIENT_BITS, Networks } from '../../lib/cidr.ts';
import { FairQueue } from '../../lib/fair-queue.ts';
import { systemTimers, type Timers } from '../../lib/timers.ts';
import { RecordsUnavailable } from '../../state/records/records.ts';
import { shownClaims } from '../bearer/shown-claims.ts';
import { type GrantTokens, type Provider, ProviderRefused } from '../providers/provider.ts';
import type { ClientTokens } from './client-tokens.ts';
import { sessionIdOf } from './cookie-secret.ts';
import type { KeySlots, SlotContent } from './key-slots.ts';
import type { SessionConfig } from './schema.ts';
import type { SentToken } from './sent-token.ts';
import type { Login } from './session.ts';
import type { SpentTokens } from './spent-tokens.ts';

/** What finding sessions by tokens is made in. */
export interface TokenSessionsPlace {
  readonly kind: string;
  readonly config: SessionConfig;
  readonly slots: KeySlots;
  /** The first provider of the login. */
  readonly provider: () => Provider;
  /** Whether there is such a session. Rejects with `RecordsUnavailable`. */
  readonly exists: (content: SlotContent) => Promise<boolean>;
  /** Refresh tokens that began sessions, which may be over. */
  readonly spent: SpentTokens;
  readonly create: (login: Login, content: SlotContent) => Promise<unknown>;
  /** Tokens of other clients; undefined: none of them opens a session. */
  readonly clientTokens: ClientTokens | undefined;
  /** Ids of the sessions of a user of the first provider. */
  readonly sessionsOf: (subject: string) => Promise<readonly string[]>;
  /** True where nobody else does it. */
  readonly alone: (id: string) => Promise<boolean>;
  readonly nowMs: () => number;
}

export type TokenSessionFinding = SlotContent | 'unknown' | 'unavailable';

/** Tokens that nobody knows are asked about at the provider, so many at a time, and of one network; others wait for their turn. */
const TURNS = {
  atOnce: 8,
  atOncePerParty: 2,
  waiting: 400,
  waitingPerParty: 20,
  longestWaitMs: 3000,
} as const;
const NETWORKS = new Networks(CLIENT_BITS);
const NEVER = new AbortController().signal;
/** One that the provider does not know is not asked about again soon. */
const MAX_REFUSED = 1000;
const REFUSED_MS = 60_000;

/** Finds the session of a token that a program sent in place of a cookie. */
export class TokenSessions {
  readonly #place: TokenSessionsPlace;
  readonly #redeeming = new Map<string, Promise<TokenSessionFinding>>();
  readonly #refused = new Map<string, number>();
  readonly #queue: FairQueue;

  constructor(place: TokenSessionsPlace, timers: Timers = systemTimers) {
    this.#place = place;
    this.#queue = new FairQueue(TURNS, timers);
  }

  /** `address`: of the client. Rejects with `RecordsUnavailable`. */
  async find({ token, scheme }: SentToken, address: string): Promise<TokenSessionFinding> {
    const { recognise } = this.#place.config;
    const isBasic = scheme === 'basic';
    if (isBasic && !recognise.includes('basic')) return 'unknown';
    if (isBasic || recognise.includes('bearer')) {
      const found = await this.#place.slots.find(token, 'access');
      if (found !== undefined) return found;
      const ofClient = await this.#ofClient(token);
      if (ofClient !== 'unknown') return ofClient;
    }
    if (!isBasic && !recognise.includes('refresh')) return 'unknown';
    const found = await this.#place.slots.find(token, 'refresh');
    if (!recognise.includes('refresh')) return found ?? 'unknown';
    // A session that ended by its idle time leaves its slot behind.
    return found !== undefined && (await this.#place.exists(found))
      ? found
      : this.#ownSession(token, address);
  }

  /** Nobody who waits has a turn any more. */
  close(): void {
    this.#queue.close();
  }

  /** One of the sessions of the user for whom another client got this access token. */
  async #ofClient(token: string): Promise<TokenSessionFinding> {
    const { clientTokens, sessionsOf, slots, exists } = this.#place;
    if (clientTokens === undefined || !token.includes('.')) return 'unknown';
    const finding = await clientTokens.find(token);
    if (finding.kind !== 'known') return finding.kind;
    for (const id of await sessionsOf(finding.subject)) {
      const content = await slots.find(id, 'session');
      if (content !== undefined && (await exists(content)))
        return { ...content, untilMs: finding.expiresAtMs };
    }
    return 'unknown';
  }

  /** The session that this refresh token opens: begun when it is seen for the first time, by redeeming it once. */
  async #ownSession(token: string, address: string): Promise<TokenSessionFinding> {
    if (isOfOtherUse(token, this.#place.nowMs())) return 'unknown';
    const secret = Buffer.from(hkdfSync('sha256', token, '', 'portcullis session of a refresh token', 32));
    const id = sessionIdOf({ octets: secret, text: '' }, this.#place.kind);
    const content: SlotContent = { id, secret, untilMs: Number.POSITIVE_INFINITY };
    if (await this.#place.exists(content)) return content;
    const refusedUntilMs = this.#refused.get(id);
    if (refusedUntilMs !== undefined && this.#place.nowMs() < refusedUntilMs) return 'unknown';
    const underWay = this.#redeeming.get(id);
    if (underWay !== undefined) return underWay;
    const redeeming = this.#atTurn(token, content, address).finally(() => this.#redeeming.delete(id));
    this.#redeeming.set(id, redeeming);
    return redeeming;
  }

  async #atTurn(token: string, content: SlotContent, address: string): Promise<TokenSessionFinding> {
    const network = NETWORKS.of(address);
    if (!(await this.#queue.enter(network, NEVER))) return 'unavailable';
    try {
      return await this.#redeem(token, content);
    } finally {
      this.#queue.leave(network);
    }
  }

  async #redeem(refreshToken: string, content: SlotContent): Promise<TokenSessionFinding> {
    const { alone, provider, create, exists } = this.#place;
    if (!(await alone(content.id))) return 'unavailable';
    if (await exists(content)) return content;
    try {
      const first = provider();
      const sent: GrantTokens = {
        accessToken: '',
        tokenType: 'bearer',
        refreshToken,
        expiresAtMs: 0,
        scopes: [],
      };
      const tokens = await this.#place.spent.redeem(content.id, sent, first);
      if (tokens === 'under way') return 'unavailable';
      if (tokens === 'spent') return this.#refuse(content.id);
      const user = await first.user(tokens);
      await create({ provider: first.name, user, tokens }, content);
      return content;
    } catch (error) {
      if (error instanceof RecordsUnavailable) throw error;
      if (!(error instanceof ProviderRefused)) return 'unavailable';
      return this.#refuse(content.id);
    }
  }

  #refuse(id: string): 'unknown' {
    if (this.#refused.size >= MAX_REFUSED) this.#refused.clear();
    this.#refused.set(id, this.#place.nowMs() + REFUSED_MS);
    return 'unknown';
  }
}

/** Whether a token says of itself that it is no refresh token, or is over: nobody needs to be asked about it. */
function isOfOtherUse(token: string, nowMs: number): boolean {
  const { exp, typ, token_use: use } = shownClaims(token) ?? {};
  if (typeof exp === 'number' && exp * 1000 < nowMs - SKEW_MS) return true;
  return [typ, use].some((word) => typeof word === 'string' && OTHER_USES.has(word.toLowerCase()));
}

const SKEW_MS = 60_000;
/** As Keycloak, Ory Hydra and Amazon Cognito call them. */
const OTHER_USES = new Set(['bearer', 'access', 'access_token', 'id', 'id_token']);
