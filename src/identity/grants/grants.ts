import { randomUUID } from 'node:crypto';
import { RecordsUnavailable } from '../../state/records/records.ts';
import type { Provider } from '../providers/provider.ts';
import type { Cached } from '../sessions/record-cache.ts';
import type { Grant, Session } from '../sessions/session.ts';
import { type GrantFinding, MISSING, PROVIDER_AWAY, STORE_AWAY } from './grant-finding.ts';
import type { GrantStore } from './grant-store.ts';
import { Renewal, type RenewalPlace } from './renewal.ts';

/** How long a request waits for a token. */
const WAIT_MS = 10_000;
/** A token that is not older is not renewed because a service refused it. */
const MIN_AGE_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export interface GrantsPlace extends Pick<RenewalPlace, 'nowMs' | 'log'> {
  /** Throws an Error where the configuration has none of that name. */
  readonly provider: (name: string) => Provider;
  readonly random?: RenewalPlace['random'];
  readonly pause?: RenewalPlace['pause'];
}

/** After a provider did not renew a grant: not again before. */
interface Failure {
  readonly times: number;
  readonly untilMs: number;
}

/** The tokens of sessions, renewed in time: once over all workers and nodes, and before they end, so that mostly nobody waits. */
export class Grants {
  readonly store: GrantStore;
  readonly #place: GrantsPlace;
  readonly #renewalPlace: RenewalPlace;
  readonly #renewals = new Map<string, Promise<GrantFinding>>();
  readonly #failures = new Map<string, Failure>();

  constructor(store: GrantStore, place: GrantsPlace) {
    this.store = store;
    this.#place = place;
    this.#renewalPlace = {
      store,
      nowMs: place.nowMs,
      log: place.log,
      random: place.random ?? Math.random,
      randomId: randomUUID,
      pause: place.pause ?? pause,
    };
  }

  /** A token that is good now: at once where it is known. */
  current(session: Session, provider: string): GrantFinding | Promise<GrantFinding> {
    const known = this.store.known(session, provider);
    return known === undefined ? this.#read(session, provider) : this.#judge(session, known);
  }

  /**
   * Another token, because a service refused this one; the same where it is that new that its age cannot be why. Missing where nothing brings
   * another: the grant stays, as it is one service alone that says so.
   */
  replaced(session: Session, refused: Grant): GrantFinding | Promise<GrantFinding> {
    const { provider, accessToken, obtainedAtMs } = refused;
    const known = this.store.known(session, provider)?.value;
    if (known !== undefined && known.accessToken !== accessToken) return { kind: 'known', grant: known };
    const isNew = this.#place.nowMs() - obtainedAtMs < MIN_AGE_MS;
    if (isNew) return { kind: 'known', grant: refused };
    return isRenewable(refused) ? this.#renew(session, refused) : this.#connectedAgain(session, refused);
  }

  /** When it resolves, no renewal is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#renewals.values());
  }

  /** What the user connected in its place meanwhile, on this node or another. */
  async #connectedAgain(session: Session, { provider, accessToken }: Grant): Promise<GrantFinding> {
    const finding = await this.#read(session, provider);
    return finding.kind === 'known' && finding.grant.accessToken === accessToken ? MISSING : finding;
  }

  async #read(session: Session, provider: string): Promise<GrantFinding> {
    let found: Cached<Grant> | undefined;
    try {
      found = await this.store.read(session, provider);
    } catch (error) {
      if (error instanceof RecordsUnavailable) return STORE_AWAY;
      throw error;
    }
    return found === undefined ? MISSING : this.#judge(session, found);
  }

  #judge(session: Session, { value: grant }: Cached<Grant>): GrantFinding | Promise<GrantFinding> {
    const nowMs = this.#place.nowMs();
    const known: GrantFinding = { kind: 'known', grant };
    if (nowMs < grant.renewAtMs) return known;
    if (!isRenewable(grant)) return nowMs < grant.expiresAtMs ? known : MISSING;
    if (nowMs >= grant.expiresAtMs) return this.#renew(session, grant);
    // The old one is good for a while: nobody waits.
    void this.#renew(session, grant);
    return known;
  }

  /** Does not reject. */
  #renew(session: Session, old: Grant): Promise<GrantFinding> {
    const key = this.store.keyOf(session.id, old.provider);
    const underWay = this.#renewals.get(key);
    if (underWay !== undefined) return this.#within(underWay);
    const failure = this.#failures.get(key);
    if (failure !== undefined && this.#place.nowMs() < failure.untilMs) return Promise.resolve(PROVIDER_AWAY);
    const renewal = this.#run(session, old)
      .then((finding) => {
        this.#note(key, finding);
        return finding;
      })
      .finally(() => this.#renewals.delete(key));
    this.#renewals.set(key, renewal);
    return this.#within(renewal);
  }

  async #run(session: Session, old: Grant): Promise<GrantFinding> {
    try {
      const provider = this.#place.provider(old.provider);
      return await new Renewal(this.#renewalPlace, session, provider, old).run(WAIT_MS);
    } catch (error) {
      this.#place.log('warn', `a grant of provider ${old.provider} cannot be renewed`, error);
      return PROVIDER_AWAY;
    }
  }

  /** The finding, or that there is none in time. */
  async #within(renewal: Promise<GrantFinding>): Promise<GrantFinding> {
    const { promise, resolve } = Promise.withResolvers<GrantFinding>();
    const timer = setTimeout(resolve, WAIT_MS, PROVIDER_AWAY);
    try {
      return await Promise.race([renewal, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #note(key: string, finding: GrantFinding): void {
    if (finding.kind !== 'unavailable' || finding.ofStore) {
      this.#failures.delete(key);
      return;
    }
    const times = (this.#failures.get(key)?.times ?? 0) + 1;
    const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(times - 1, 16));
    const pauseMs = longestMs * (0.5 + this.#renewalPlace.random() / 2);
    if (this.#failures.size >= MAX_FAILURES) this.#failures.clear();
    this.#failures.set(key, { times, untilMs: this.#place.nowMs() + pauseMs });
  }
}

const MAX_FAILURES = 10_000;

function isRenewable({ refreshToken, isLost }: Grant): boolean {
  return refreshToken !== undefined && isLost !== true;
}

async function pause(ms: number, wake?: (awake: () => void) => () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = wake?.(resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    end?.();
  }
}
