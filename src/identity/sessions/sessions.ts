import { randomUUID } from 'node:crypto';
import { AllowedOrigins } from '../../http/allowed-origins.ts';
import type { Fields } from '../../http/fields.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { keptText } from '../../lib/kept-text.ts';
import type { ClientView, RequestView } from '../../policy/contract.ts';
import type { Principal } from '../../policy/principal.ts';
import { type Records, RecordsUnavailable } from '../../state/records/records.ts';
import { refusalOfHolder } from '../bearer/confirmation.ts';
import { shownClaims } from '../bearer/shown-claims.ts';
import type { ConsumerIndex } from '../consumers/consumer-index.ts';
import { GrantStore } from '../grants/grant-store.ts';
import { Grants } from '../grants/grants.ts';
import type { Provider } from '../providers/provider.ts';
import type { ClientTokens } from './client-tokens.ts';
import { newSecret, readSecret, sessionIdOf } from './cookie-secret.ts';
import { KeyRing } from './key-ring.ts';
import { KeySlots, type SlotContent } from './key-slots.ts';
import { PERSONAL_TOKEN_PREFIX, personalTokenKind, readPersonalToken } from './personal-token.ts';
import { PersonalTokens } from './personal-tokens.ts';
import { type Cached, RecordCache } from './record-cache.ts';
import type { SessionConfig } from './schema.ts';
import { type SentToken, sentToken } from './sent-token.ts';
import {
  type Login,
  NO_SESSION,
  NOT_A_SESSION,
  NOT_A_TOKEN,
  NOT_THE_HOLDER,
  SESSION_OVER,
  SESSIONS_UNAVAILABLE,
  type Session,
  type SessionFinding,
} from './session.ts';
import { SessionChallenge } from './session-challenge.ts';
import { type CookiePlace, NOT_OURS, SessionCookie } from './session-cookie.ts';
import { type LogoutTarget, MAX_SESSIONS, SessionIndex } from './session-index.ts';
import { readSessionText, type SessionContent, sessionText } from './session-text.ts';
import { SpentTokens } from './spent-tokens.ts';
import { withinLimits } from './token-limits.ts';
import { TokenSessions } from './token-sessions.ts';
import { UnknownTokens } from './unknown-tokens.ts';

/** What sessions of a kind are made in. */
export interface SessionsPlace {
  readonly records: Records;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
  /** The principal of a session's user, who may be one of `consumers`; without them of those whom all routes know. */
  readonly principal: (id: string, content: SessionContent, consumers?: ConsumerIndex) => Principal;
  /** Throws an Error where the configuration has none of that name. */
  readonly provider: (name: string) => Provider;
  /** Only where the sessions name clients. */
  readonly clientTokens?: ClientTokens | undefined;
}

/** What a user may know of their session. */
export interface SessionDescription {
  readonly subject: string;
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly endsAt: string;
  readonly grants: readonly GrantDescription[];
}

export interface GrantDescription {
  readonly provider: string;
  readonly connected: boolean;
  readonly scopes?: readonly string[];
  /** When the access token ends; absent where the provider did not say. */
  readonly expiresAt?: string;
}

/** Whoever sends a token: one may be bound to them, and they are not to have all of what is asked of a provider. */
type Holder = Pick<ClientView, 'certificate' | 'address'>;
const NOBODY: Holder = { address: '' };

/** A cookie that was seen, with its session. */
interface Entry {
  readonly cached: Cached<Session>;
  /** Handed out for each request of the session. */
  readonly finding: SessionFinding;
  /** It is gone then, whatever happens: with the session, or the token that opened it. */
  readonly endsAtMs: number;
  /** Without another touch it is gone then. */
  idleEndsAtMs: number;
  touchAtMs: number;
}

/** How many sessions a worker remembers opened. */
const MAX_CACHED = 10_000;
/** Of a refresh token that begins a session: whoever comes meanwhile comes again. */
const REDEEM_MS = 5000;
/** A session is kept alive once in this part of its idle time. */
const TOUCHES = 10;

/** Sessions of one kind: who has which, from their login to their end. */
export class Sessions {
  readonly name: string;
  readonly config: SessionConfig;
  readonly cookie: SessionCookie;
  readonly challenge: SessionChallenge;
  readonly grants: GrantStore;
  /** What `grants` keeps, renewed in time: for whoever wants a token. */
  readonly tokens: Grants;
  readonly origins: AllowedOrigins;
  readonly ring: KeyRing;
  /** Every provider that a session may have a grant of, in the order of the configuration. */
  readonly providers: readonly string[];
  readonly #place: SessionsPlace;
  readonly personalTokens: PersonalTokens;
  readonly #index: SessionIndex;
  readonly #cache: RecordCache<Session>;
  readonly #entries = new BoundedMap<string, Entry>(MAX_CACHED);
  readonly #unknown = new UnknownTokens();
  readonly #readsCookies: boolean;
  readonly #slots: KeySlots | undefined;
  readonly #byToken: TokenSessions | undefined;

  constructor(name: string, config: SessionConfig, place: SessionsPlace) {
    this.name = name;
    this.config = config;
    this.#place = place;
    this.providers = [...new Set([...config.login, ...config.connect])];
    this.cookie = new SessionCookie(config.cookie.name, config.cookie.sameSite, config.lifetime);
    this.challenge = new SessionChallenge(name, config);
    this.ring = new KeyRing(config.keys);
    this.#readsCookies = config.recognise.includes('cookie');
    if (config.recognise.some((way) => way !== 'cookie'))
      this.#slots = new KeySlots(place.records, this.ring, place.nowMs);
    this.grants = new GrantStore(place.records, this.ring, place.nowMs, this.#slots);
    this.#byToken = this.#slots === undefined ? undefined : this.#tokenSessions(this.#slots);
    this.tokens = new Grants(this.grants, place);
    this.origins = new AllowedOrigins(config.origins);
    this.#index = new SessionIndex(place.records, this.ring, name);
    this.#cache = new RecordCache(place.records, MAX_CACHED);
    const { records, nowMs } = place;
    const keysOf = (id: string) => this.#keysOf(id);
    this.personalTokens = new PersonalTokens(name, config, { records, ring: this.ring, nowMs, keysOf });
  }

  /**
   * The session of a request's cookie, or of a token of `client`: at once where it is known. Nothing is said of which page sent it.
   */
  find(request: RequestView, client: Holder = NOBODY): SessionFinding | Promise<SessionFinding> {
    const text = this.#readsCookies ? this.cookie.read(request.fields, request) : undefined;
    const found = text === undefined ? NO_SESSION : this.#findByCookie(text);
    if (this.#byToken === undefined) return found;
    return found instanceof Promise
      ? found.then((finding) => this.#orByToken(request.fields, client, finding))
      : this.#orByToken(request.fields, client, found);
  }

  #findByCookie(text: string | typeof NOT_OURS): SessionFinding | Promise<SessionFinding> {
    if (text === NOT_OURS || text.startsWith(PERSONAL_TOKEN_PREFIX)) return NOT_A_SESSION;
    return this.findText(text);
  }

  /** A cookie that opens nothing any more does not hide the token beside it. */
  #orByToken(
    fields: Fields,
    client: Holder,
    byCookie: SessionFinding,
  ): SessionFinding | Promise<SessionFinding> {
    if (byCookie.kind === 'known' || byCookie.kind === 'unavailable') return byCookie;
    const byToken = this.#findByToken(fields, client);
    return byToken === NO_SESSION ? byCookie : byToken;
  }

  /** The session of a secret, as a cookie or a token has it. */
  findText(text: string): SessionFinding | Promise<SessionFinding> {
    return this.#known(text) ?? this.#open(text);
  }

  /** What is remembered of a cookie or an Authorization. */
  #known(text: string): SessionFinding | undefined {
    const entry = this.#entries.get(text);
    if (entry !== undefined) {
      const nowMs = this.#place.nowMs();
      if (!entry.cached.isStale && this.#cache.isReliable && nowMs < entry.idleEndsAtMs) {
        if (nowMs >= entry.touchAtMs) this.#touch(entry, nowMs);
        return entry.finding;
      }
      this.#entries.delete(text);
    }
    return undefined;
  }

  /** Who sends it is another question each time: the answer is not among what is remembered. */
  #findByToken(fields: Fields, client: Holder): SessionFinding | Promise<SessionFinding> {
    const authorization = fields.get('authorization');
    const sent = sentToken(authorization);
    if (authorization === undefined || sent === undefined) return NO_SESSION;
    // No provider is to be shown one of the gateway's own.
    if (sent.token.startsWith(PERSONAL_TOKEN_PREFIX)) return NOT_A_TOKEN;
    const known = this.#known(authorization);
    const confirmation = known?.kind === 'known' ? known.confirmation : this.#confirmationIn(sent.token);
    if (confirmation !== undefined && refusalOfHolder(confirmation, client) !== undefined)
      return NOT_THE_HOLDER;
    return known ?? this.#openByToken(authorization, sent, client.address, confirmation);
  }

  #confirmationIn(token: string): unknown {
    return this.config.confirmation === 'checked' ? shownClaims(token)?.['cnf'] : undefined;
  }

  async #openByToken(
    authorization: string,
    sent: SentToken,
    address: string,
    confirmation: unknown,
  ): Promise<SessionFinding> {
    try {
      const found = (await this.#byToken?.find(sent, address)) ?? 'unknown';
      if (found === 'unavailable') return SESSIONS_UNAVAILABLE;
      if (found === 'unknown') return NOT_A_TOKEN;
      const finding = await this.#enter(authorization, found, sent.scheme, confirmation);
      return finding === SESSION_OVER ? NOT_A_TOKEN : finding;
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      return SESSIONS_UNAVAILABLE;
    }
  }

  /**
   * A session for who has just logged in, under a new secret always, so that nobody can have known it before. `replaced` ends: the session
   * that the browser had until then. `setCookie` is for the answer. Rejects with `RecordsUnavailable`.
   */
  async create(
    login: Login,
    place: CookiePlace,
    replaced?: Session,
  ): Promise<{ readonly session: Session; readonly setCookie: string }> {
    const secret = newSecret();
    const session = await this.createFor(login, secret.octets, sessionIdOf(secret, this.name));
    if (replaced !== undefined) await this.destroy(replaced);
    return { session, setCookie: this.cookie.set(secret.text, place) };
  }

  /** A session that this secret opens. */
  async createFor({ provider, user, tokens }: Login, secret: Buffer, id: string): Promise<Session> {
    const createdAtMs = this.#place.nowMs();
    const content: SessionContent = {
      user: { ...user, provider },
      createdAtMs,
      endsAtMs: createdAtMs + this.config.lifetime,
    };
    const session = this.#session(id, secret, content);
    const key = keyOf(id);
    const text = this.ring.seal(sessionText(content), secret, key);
    const surplus = await this.#index.add(id, provider, user, this.config.lifetime);
    if (this.#place.clientTokens !== undefined)
      await this.#slots?.writeSession(session, this.config.lifetime);
    await this.grants.put(session, provider, tokens);
    await this.#place.records.create(key, text, this.#ttlMs(session, createdAtMs));
    await this.#endOldest(provider, surplus);
    return session;
  }

  /** The session has a grant of this provider from now on, instead of the one that it may have had. False where the session has ended. */
  async putGrant(session: Session, { provider, user, tokens }: Login): Promise<boolean> {
    // A token outlives its user's sessions, and those that it got grants by.
    if (session.token === undefined) {
      const leftMs = Math.max(1, session.endsAtMs - this.#place.nowMs());
      await this.#endOldest(provider, await this.#index.add(session.id, provider, user, leftMs));
    }
    await this.grants.put(session, provider, tokens);
    if ((await this.#place.records.read(keyOf(session.id))) !== undefined) return true;
    await this.grants.remove(session.id, [provider]);
    return false;
  }

  /** The session has no grant of this provider any more. */
  dropGrant(session: Session, provider: string): Promise<void> {
    return this.grants.remove(session.id, [provider]);
  }

  /** When it resolves, no node knows the session or anything of it. */
  async destroy(session: Session): Promise<void> {
    if (session.token !== undefined) {
      await this.personalTokens.revoke(session.user, session.id);
      return;
    }
    await this.#remove(session.id);
    const { provider, subject, sid } = session.user;
    await this.#index.remove(session.id, provider, { subject, sid });
  }

  /**
   * What a provider says is over: the session, where the provider is the one that said who the user is, else its grant alone. Returns how many
   * sessions that met.
   */
  async destroyOf(provider: string, target: LogoutTarget): Promise<number> {
    const ids = await this.#index.find(provider, target);
    await Promise.all(
      ids.map(async (id) => {
        await this.#end(id, provider);
        await this.#index.remove(id, provider, target);
      }),
    );
    return ids.length;
  }

  /** What the user may know of it: no token. */
  async describe(session: Session): Promise<SessionDescription> {
    const grants = await Promise.all(
      this.providers.map(async (provider): Promise<GrantDescription> => {
        const grant = (this.grants.known(session, provider) ?? (await this.grants.read(session, provider)))
          ?.value;
        if (grant === undefined) return { provider, connected: false };
        const { scopes, expiresAtMs } = grant;
        return {
          provider,
          connected: true,
          scopes,
          ...(Number.isFinite(expiresAtMs) ? { expiresAt: new Date(expiresAtMs).toISOString() } : {}),
        };
      }),
    );
    const { subject, issuer, claims } = session.user;
    return {
      subject,
      issuer,
      claims,
      createdAt: new Date(session.createdAtMs).toISOString(),
      endsAt: new Date(session.endsAtMs).toISOString(),
      grants,
    };
  }

  /** The principal of a session's user where these are the consumers that are known. */
  principalOf(session: Session, consumers: ConsumerIndex): Principal {
    return this.#place.principal(session.id, session, consumers);
  }

  close(): void {
    this.#entries.clear();
    this.#cache.close();
    this.grants.close();
    this.#byToken?.close();
    this.#place.clientTokens?.close();
  }

  async #open(text: string): Promise<SessionFinding> {
    const token = readPersonalToken(text);
    const secret = token ?? readSecret(text);
    if (secret === undefined) return NOT_A_SESSION;
    if (token !== undefined && this.#unknown.has(text, this.#place.nowMs())) return SESSION_OVER;
    const id = sessionIdOf(secret, token === undefined ? this.name : personalTokenKind(this.name));
    try {
      const content = { id, secret: secret.octets, untilMs: Number.POSITIVE_INFINITY };
      const finding = await this.#enter(text, content, token === undefined ? 'cookie' : 'bearer');
      if (token !== undefined && finding === SESSION_OVER) this.#unknown.add(text, this.#place.nowMs());
      return finding;
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      return SESSIONS_UNAVAILABLE;
    }
  }

  async #enter(
    text: string,
    { id, secret, untilMs }: SlotContent,
    by: 'cookie' | SentToken['scheme'],
    confirmation?: unknown,
  ): Promise<SessionFinding> {
    const cached = await this.load(id, secret);
    if (cached === undefined) return SESSION_OVER;
    const nowMs = this.#place.nowMs();
    const session = cached.value;
    const finding: SessionFinding = {
      kind: 'known',
      session,
      principal: session.principal,
      by,
      confirmation,
    };
    const endsAtMs = Math.min(session.endsAtMs, untilMs);
    const entry: Entry = {
      cached,
      finding,
      endsAtMs,
      idleEndsAtMs: Math.min(nowMs + this.#idleMs(session), endsAtMs),
      touchAtMs: Number.POSITIVE_INFINITY,
    };
    if (session.token === undefined) this.#touch(entry, nowMs);
    if (!cached.isStale) this.#entries.set(keptText(text), entry);
    return finding;
  }

  /** The session of this id, if it is still there. Rejects with `RecordsUnavailable`. */
  async load(id: string, secret: Buffer): Promise<Cached<Session> | undefined> {
    const key = keyOf(id);
    const cached = await this.#cache.load(key, (text, version) => {
      const opened = this.ring.open(text, secret, key);
      const content = opened === undefined ? undefined : readSessionText(opened);
      const allowed = content && withinLimits(content, this.config.tokens);
      if (opened === undefined || content === undefined || allowed === undefined) return undefined;
      const session = this.#session(id, secret, allowed);
      if (this.ring.isOld(text)) {
        const ttlMs = this.#ttlMs(session, this.#place.nowMs());
        const sealed = this.ring.seal(opened, secret, key);
        const entered = content.token === undefined ? undefined : this.personalTokens.enter(id, content);
        // It happens with the next read where the store is away or somebody else writes.
        Promise.resolve(entered)
          .then(() => this.#place.records.replace(key, sealed, ttlMs, version))
          .catch(() => {});
      }
      return session;
    });
    return cached === undefined || cached.value.endsAtMs <= this.#place.nowMs() ? undefined : cached;
  }

  /** Keeps the session alive, in the background: the request does not wait for it. */
  #touch(entry: Entry, nowMs: number): void {
    entry.touchAtMs = nowMs + this.config.idleTimeout / TOUCHES;
    const session = entry.cached.value;
    this.#place.records.touch(keyOf(session.id), this.#ttlMs(session, nowMs)).then(
      (isThere) => {
        if (isThere) entry.idleEndsAtMs = Math.min(nowMs + this.config.idleTimeout, entry.endsAtMs);
        else this.#cache.forget(keyOf(session.id));
      },
      (error: unknown) => {
        // Once more with the next request; until then the session has the time that it had.
        entry.touchAtMs = nowMs;
        if (!(error instanceof RecordsUnavailable))
          this.#place.log('warn', 'a session cannot be kept alive', error);
      },
    );
  }

  /** One that could not be found any more must not go on: neither a logout of all nor a provider could end it. */
  async #endOldest(provider: string, surplus: readonly string[]): Promise<void> {
    if (surplus.length === 0) return;
    await Promise.all(surplus.map((id) => this.#end(id, provider)));
    const what = `a user of ${provider} has more than ${MAX_SESSIONS} sessions ${this.name}: the oldest ended`;
    this.#place.log('info', what);
  }

  /** What a provider vouched for: the session, where it is the one that said who the user is, else its grant alone. */
  async #end(id: string, provider: string): Promise<void> {
    if (provider === this.config.login[0]) await this.#remove(id);
    else await this.grants.remove(id, [provider]);
  }

  async #remove(id: string): Promise<void> {
    const slots = (await this.#slots?.of(id)) ?? [];
    await this.#place.records.remove([...this.#keysOf(id), ...slots]);
  }

  #keysOf(id: string): readonly [string, ...string[]] {
    return [keyOf(id), ...this.providers.map((provider) => this.grants.keyOf(id, provider))];
  }

  #tokenSessions(slots: KeySlots): TokenSessions {
    const { records, nowMs, provider, clientTokens } = this.#place;
    return new TokenSessions({
      kind: this.name,
      config: this.config,
      slots,
      clientTokens,
      sessionsOf: (subject) => this.#index.find(this.config.login[0] ?? '', { subject }),
      nowMs,
      provider: () => provider(this.config.login[0] ?? ''),
      exists: async ({ id, secret }) => (await this.load(id, secret)) !== undefined,
      spent: new SpentTokens(records, nowMs),
      create: (login, { id, secret }) => this.createFor(login, secret, id),
      alone: async (id) => (await records.acquire(keyOf(id), randomUUID(), REDEEM_MS)) !== undefined,
    });
  }

  #session(id: string, secret: Buffer, content: SessionContent): Session {
    return { id, kind: this.name, secret, ...content, principal: this.#place.principal(id, content) };
  }

  #ttlMs(session: Session, nowMs: number): number {
    return Math.max(1, Math.min(this.#idleMs(session), session.endsAtMs - nowMs));
  }

  #idleMs({ token }: Session): number {
    return token === undefined ? this.config.idleTimeout : Number.POSITIVE_INFINITY;
  }
}

function keyOf(id: string): string {
  return `s:${id}`;
}
