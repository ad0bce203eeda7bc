import { messageOf } from '../../lib/message-of.ts';
import { type Lease, type Records, RecordsUnavailable } from '../../state/records/records.ts';
import { type GrantTokens, isAsItWas, type Provider, ProviderRefused } from '../providers/provider.ts';
import type { Cached } from '../sessions/record-cache.ts';
import type { Grant, Session } from '../sessions/session.ts';
import { type GrantFinding, MISSING, PROVIDER_AWAY, STORE_AWAY } from './grant-finding.ts';
import type { GrantStore } from './grant-store.ts';

/** What a renewal is made in. */
export interface RenewalPlace {
  readonly store: GrantStore;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  /** A random text. */
  readonly randomId: () => string;
  /** Resolves after so long, or with the first call of `wake`. */
  readonly pause: (ms: number, wake?: (awake: () => void) => () => void) => Promise<void>;
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
}

/** A holder that died makes room after so long. */
const LEASE_MS = 3000;
const RENEW_MS = 1000;
/** How long the answer of a provider may be under way that says nothing of it. */
const TIMEOUT_MS = 5000;
/** What writing it may take beside. */
const MARGIN_MS = 1000;
/** How long the successor of a redeemed token is tried to be written: with it a user would be lost. */
const WRITE_MS = 60_000;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;

/**
 * One renewal of one grant, which is one over all workers and nodes: under a lease, with a mark in the record before the refresh token is
 * redeemed, so that nobody redeems it a second time while its successor may still be under way to the store.
 */
export class Renewal {
  readonly #place: RenewalPlace;
  readonly #records: Records;
  readonly #session: Session;
  readonly #provider: Provider;
  readonly #key: string;
  readonly #holder: string;
  /** The token that is to be replaced. */
  readonly #old: Grant;

  constructor(place: RenewalPlace, session: Session, provider: Provider, old: Grant) {
    this.#place = place;
    this.#records = place.store.records;
    this.#session = session;
    this.#provider = provider;
    this.#old = old;
    this.#key = place.store.keyOf(session.id, old.provider);
    this.#holder = place.randomId();
  }

  /** Waits as long as it takes: whoever asks has a limit of their own. Does not reject. */
  async run(limitMs: number): Promise<GrantFinding> {
    const endMs = this.#place.nowMs() + limitMs;
    for (let round = 0; ; round++) {
      try {
        const found = await this.#read();
        if (found === undefined) return MISSING;
        if (this.#isSettled(found)) return this.#findingOf(found.value);
        const lease = await this.#records.acquire(this.#key, this.#holder, LEASE_MS);
        const finding = lease === undefined ? undefined : await this.#underLease(lease);
        if (finding !== undefined) return finding;
      } catch (error) {
        if (!(error instanceof RecordsUnavailable)) throw error;
        if (this.#place.nowMs() >= endMs) return STORE_AWAY;
      }
      if (this.#place.nowMs() >= endMs) return PROVIDER_AWAY;
      await this.#untilNews(round);
    }
  }

  /** Undefined where somebody else wrote in between: a key that was replaced, another login, or who has the lease now. */
  async #underLease(lease: Lease): Promise<GrantFinding | undefined> {
    const stop = this.#keepLease();
    try {
      const found = await this.#afterOthers();
      if (found === undefined) return MISSING;
      if (this.#isSettled(found)) return this.#findingOf(found.value);
      const untilMs = this.#place.nowMs() + (this.#provider.timeoutMs ?? TIMEOUT_MS) + MARGIN_MS;
      const marked = await this.#place.store.mark(this.#session, found, untilMs, lease.fence);
      return marked === undefined ? undefined : await this.#redeem(marked, lease);
    } finally {
      stop();
      this.#records.release(this.#key, this.#holder).catch(() => {});
    }
  }

  async #redeem(marked: Cached<Grant>, lease: Lease): Promise<GrantFinding> {
    let tokens: GrantTokens;
    try {
      tokens = await this.#provider.refresh(marked.value);
    } catch (error) {
      return this.#notRedeemed(marked, error, lease);
    }
    return this.#write(marked, tokens, lease);
  }

  async #notRedeemed(marked: Cached<Grant>, error: unknown, lease: Lease): Promise<GrantFinding> {
    const { store, log } = this.#place;
    const { provider } = this.#old;
    const reason = messageOf(error);
    if (!isAsItWas(error) && !this.#mayRedeemAgain(marked)) {
      log('warn', `provider ${provider} may have renewed a grant, which is not tried again: ${reason}`);
      return this.#lose(marked, lease);
    }
    try {
      if (error instanceof ProviderRefused && error.code === 'invalid_grant') {
        const found = await this.#read();
        if (found !== undefined && this.#isRenewed(found)) return { kind: 'known', grant: found.value };
        log('info', `provider ${provider} renews a grant no more: ${reason}`);
        await store.remove(this.#session.id, [provider]);
        return MISSING;
      }
      log('warn', `provider ${provider} did not renew a grant: ${reason}`);
      await store.unmark(this.#session, marked);
    } catch (failure) {
      if (!(failure instanceof RecordsUnavailable)) throw failure;
      return STORE_AWAY;
    }
    return PROVIDER_AWAY;
  }

  #mayRedeemAgain({ value }: Cached<Grant>): boolean {
    return this.#provider.reusesRefreshTokens ?? value.isReusable === true;
  }

  /**
   * RFC 9700 section 4.14.2: a provider that sees a refresh token twice takes it for stolen, and ends whatever came of it. So the access token serves
   * until its end, and then the user connects the provider again.
   */
  #lose(marked: Cached<Grant>, lease: Lease): Promise<GrantFinding> {
    const { store } = this.#place;
    return this.#untilWritten(
      marked,
      lease,
      (before, fence) => store.lose(this.#session, before, fence),
      async () => MISSING,
    );
  }

  /** The old token is redeemed, and the new one is nowhere else. Where the session has ended meanwhile, what was just given is given back. */
  #write(marked: Cached<Grant>, tokens: GrantTokens, lease: Lease): Promise<GrantFinding> {
    const { store } = this.#place;
    return this.#untilWritten(
      marked,
      lease,
      (before, fence) => store.renew(this.#session, before, tokens, fence),
      () => this.#giveBack(tokens),
    );
  }

  /** Until the store has taken it, or nobody needs it any more. */
  async #untilWritten(
    marked: Cached<Grant>,
    lease: Lease,
    write: (before: Cached<Grant>, fence: number | undefined) => Promise<Grant | undefined>,
    gone: () => Promise<GrantFinding>,
  ): Promise<GrantFinding> {
    const { nowMs, log } = this.#place;
    const endMs = nowMs() + WRITE_MS;
    let before = marked;
    let fence: number | undefined = lease.fence;
    for (let round = 0; ; round++) {
      try {
        const written = await write(before, fence);
        if (written !== undefined) return this.#findingOf(written);
        const found = await this.#read();
        if (found === undefined) return await gone();
        if (this.#isSettled(found)) return this.#findingOf(found.value);
        // Still the same: it was only marked or sealed anew, and this is what comes after it, whoever has the lease.
        before = found;
        fence = undefined;
      } catch (error) {
        if (!(error instanceof RecordsUnavailable)) throw error;
        if (nowMs() >= endMs) {
          log('warn', `what became of a grant of provider ${this.#old.provider} cannot be stored`, error);
          return STORE_AWAY;
        }
        // The write that was not answered may have happened: then the next finds another version, and reads it.
        await this.#place.pause(this.#pauseMs(round));
      }
    }
  }

  async #giveBack(tokens: GrantTokens): Promise<GrantFinding> {
    try {
      await this.#provider.revoke?.(tokens);
    } catch {
      // They end by themselves.
    }
    return MISSING;
  }

  /** The record, once whoever marked it before has written, or had the time to. */
  async #afterOthers(): Promise<Cached<Grant> | undefined> {
    let found = await this.#read();
    for (let round = 0; found?.value.renewingUntilMs !== undefined && !this.#isSettled(found); round++) {
      if (this.#place.nowMs() >= found.value.renewingUntilMs) break;
      await this.#untilNews(round);
      found = await this.#read();
    }
    return found;
  }

  /** Nobody is to redeem it. */
  #isSettled(found: Cached<Grant>): boolean {
    return this.#isRenewed(found) || found.value.isLost === true;
  }

  #findingOf(grant: Grant): GrantFinding {
    return grant.isLost === true && this.#place.nowMs() >= grant.expiresAtMs
      ? MISSING
      : { kind: 'known', grant };
  }

  #isRenewed({ value }: Cached<Grant>): boolean {
    return value.generation > this.#old.generation || value.accessToken !== this.#old.accessToken;
  }

  #read(): Promise<Cached<Grant> | undefined> {
    return this.#place.store.readAnew(this.#session, this.#old.provider);
  }

  /** Keeps the lease until it is stopped. One that is lost does no harm: see `#write`. */
  #keepLease(): () => void {
    const timer = setInterval(() => {
      this.#records.renew(this.#key, this.#holder, LEASE_MS).catch(() => {});
    }, RENEW_MS).unref();
    return () => clearInterval(timer);
  }

  /** Until the record changes or its lease is released, at most for a short while. */
  #untilNews(round: number): Promise<void> {
    return this.#place.pause(this.#pauseMs(round), (awake) =>
      this.#records.onChange((key) => {
        if (key === undefined || key === this.#key) awake();
      }),
    );
  }

  /** Half of it by chance, so that nodes do not ask all at once. */
  #pauseMs(round: number): number {
    return Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** Math.min(round, 8)) * (0.5 + this.#place.random() / 2);
  }
}
