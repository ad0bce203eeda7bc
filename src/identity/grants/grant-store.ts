import type { Records } from '../../state/records/records.ts';
import type { GrantTokens } from '../providers/provider.ts';
import type { KeyRing } from '../sessions/key-ring.ts';
import type { KeySlots } from '../sessions/key-slots.ts';
import { type Cached, RecordCache } from '../sessions/record-cache.ts';
import type { Grant, Session } from '../sessions/session.ts';
import { grantText, readGrantText, renewalTime } from '../sessions/session-text.ts';

/** How many a worker remembers opened. */
const MAX_CACHED = 20_000;

/** The grants of sessions of one kind, a record each, which only the session's secret opens. */
export class GrantStore {
  readonly records: Records;
  readonly #ring: KeyRing;
  readonly #nowMs: () => number;
  readonly #cache: RecordCache<Grant>;
  /** By session and provider: to join the text of a key takes a third of the time of injecting a token. */
  readonly #keys = new WeakMap<Session, Map<string, string>>();
  /** None: only its cookie opens a session. */
  readonly #slots: KeySlots | undefined;

  constructor(records: Records, ring: KeyRing, nowMs: () => number, slots?: KeySlots) {
    this.#slots = slots;
    this.records = records;
    this.#ring = ring;
    this.#nowMs = nowMs;
    this.#cache = new RecordCache(records, MAX_CACHED);
  }

  /** Also the name of the lease of its refresh. */
  keyOf(sessionId: string, provider: string): string {
    return `g:${sessionId}:${provider}`;
  }

  /** What is remembered, if that holds. */
  known(session: Session, provider: string): Cached<Grant> | undefined {
    return this.#cache.known(this.#keys.get(session)?.get(provider) ?? this.#keptKey(session, provider));
  }

  #keptKey(session: Session, provider: string): string {
    const keys = this.#keys.get(session) ?? new Map<string, string>();
    const key = this.keyOf(session.id, provider);
    this.#keys.set(session, keys.set(provider, key));
    return key;
  }

  /** Rejects with `RecordsUnavailable`. */
  read(session: Session, provider: string): Promise<Cached<Grant> | undefined> {
    const key = this.keyOf(session.id, provider);
    return this.#cache.load(key, (text, version) => {
      const grant = this.#open(session, key, text);
      if (grant !== undefined && this.#ring.isOld(text)) {
        // It happens with the next read where the store is away or somebody else writes.
        this.records
          .replace(key, this.#seal(session, key, grant), this.#ttlMs(session), version)
          .catch(() => {});
      }
      return grant;
    });
  }

  /** As it is in the store now, whatever is remembered. */
  async readAnew(session: Session, provider: string): Promise<Cached<Grant> | undefined> {
    const key = this.keyOf(session.id, provider);
    const record = await this.records.read(key);
    const value = record === undefined ? undefined : this.#open(session, key, record.value);
    return record === undefined || value === undefined
      ? undefined
      : { value, version: record.version, isStale: true };
  }

  /** Puts a new grant in the place of the one that there may be. */
  async put(session: Session, provider: string, tokens: GrantTokens): Promise<void> {
    const key = this.keyOf(session.id, provider);
    const ttlMs = this.#ttlMs(session);
    for (;;) {
      const before = await this.records.read(key);
      const grant = this.#grant(provider, tokens, 1);
      const text = this.#seal(session, key, grant);
      const written =
        before === undefined
          ? await this.records.create(key, text, ttlMs)
          : (await this.records.replace(key, text, ttlMs, before.version)) !== undefined;
      this.#cache.forget(key);
      if (!written) continue;
      await this.#writeSlots(session, provider, tokens);
      return;
    }
  }

  /** What a refresh brought, in the place of what it was made of; undefined where that is there no more, or the lease is another's. */
  async renew(
    session: Session,
    before: Cached<Grant>,
    tokens: GrantTokens,
    fence: number | undefined,
  ): Promise<Grant | undefined> {
    const key = this.keyOf(session.id, before.value.provider);
    const { provider, generation, refreshToken } = before.value;
    const renewed = this.#grant(provider, tokens, generation + 1);
    const grant: Grant = { ...renewed, isReusable: tokens.refreshToken === refreshToken };
    const text = this.#seal(session, key, grant);
    const version = await this.records.replace(key, text, this.#ttlMs(session), before.version, fence);
    this.#cache.forget(key);
    if (version === undefined) return undefined;
    // What is written counts, whether or not the new token opens the session too.
    this.#renewSlots(session, before.value, grant).catch(() => {});
    return grant;
  }

  /** Says in the record that its refresh token is about to be redeemed; undefined as in `renew`. */
  mark(
    session: Session,
    before: Cached<Grant>,
    untilMs: number,
    fence: number,
  ): Promise<Cached<Grant> | undefined> {
    return this.#rewrite(session, before, { ...before.value, renewingUntilMs: untilMs }, fence);
  }

  /** Says that it was not. */
  unmark(session: Session, before: Cached<Grant>): Promise<Cached<Grant> | undefined> {
    return this.#rewrite(session, before, { ...before.value, renewingUntilMs: undefined }, undefined);
  }

  /** Says that it may have been, and that nobody knows what came of it; undefined as in `renew`. */
  async lose(session: Session, before: Cached<Grant>, fence: number | undefined): Promise<Grant | undefined> {
    const value = { ...before.value, renewingUntilMs: undefined, isLost: true };
    return (await this.#rewrite(session, before, value, fence))?.value;
  }

  async remove(sessionId: string, providers: readonly string[]): Promise<void> {
    await this.records.remove(providers.map((provider) => this.keyOf(sessionId, provider)));
  }

  close(): void {
    this.#cache.close();
  }

  async #rewrite(
    session: Session,
    before: Cached<Grant>,
    value: Grant,
    fence: number | undefined,
  ): Promise<Cached<Grant> | undefined> {
    const key = this.keyOf(session.id, value.provider);
    const text = this.#seal(session, key, value);
    const version = await this.records.replace(key, text, this.#ttlMs(session), before.version, fence);
    this.#cache.forget(key);
    return version === undefined ? undefined : { value, version, isStale: true };
  }

  /** Tokens of the provider that said who the user is open the session, where tokens do. */
  async #writeSlots(session: Session, provider: string, tokens: GrantTokens): Promise<void> {
    if (this.#slots === undefined || provider !== session.user.provider) return;
    await this.#slots.write(session, tokens, this.#ttlMs(session));
  }

  async #renewSlots(session: Session, before: Grant, grant: Grant): Promise<void> {
    await this.#writeSlots(session, grant.provider, grant);
    const { refreshToken } = before;
    if (refreshToken === undefined || refreshToken === grant.refreshToken) return;
    if (grant.provider === session.user.provider)
      await this.#slots?.retire(session, refreshToken, this.#ttlMs(session));
  }

  #open(session: Session, key: string, text: string): Grant | undefined {
    const opened = this.#ring.open(text, session.secret, key);
    return opened === undefined ? undefined : readGrantText(opened, Math.random());
  }

  #grant(provider: string, tokens: GrantTokens, generation: number): Grant {
    const { accessToken, tokenType, refreshToken, idToken, expiresAtMs, scopes } = tokens;
    const obtainedAtMs = this.#nowMs();
    return {
      provider,
      generation,
      obtainedAtMs,
      accessToken,
      tokenType,
      refreshToken,
      idToken,
      expiresAtMs,
      scopes,
      renewAtMs: renewalTime(obtainedAtMs, expiresAtMs, Math.random()),
    };
  }

  #seal(session: Session, key: string, grant: Grant): string {
    return this.#ring.seal(grantText(grant), session.secret, key);
  }

  #ttlMs({ endsAtMs }: Session): number {
    return Math.max(1, endsAtMs - this.#nowMs());
  }
}
