import { sameData } from '../lib/same-data.ts';
import { systemTimers } from '../lib/timers.ts';
import type { RecordStores } from '../state/records/record-stores.ts';
import { ConsumersByOwner } from './consumers/consumers-by-owner.ts';
import { Issuers } from './discovery/issuers.ts';
import { ServiceTokens } from './grants/service-tokens.ts';
import type { IdentityData } from './identity-data.ts';
import type { IdentityPlace } from './identity-place.ts';
import type * as logins from './logins.ts';
import type { Logins } from './logins.ts';
import { PasswordChecker } from './passwords/password-checker.ts';
import type { Providers } from './providers/providers.ts';
import { RouteIdentity } from './route-identity.ts';
import type { Sessions } from './sessions/sessions.ts';
import { UsedNonces } from './used-nonces.ts';

type LoginsCode = typeof logins;

/** Who may call, as one configuration has it: one for all routes of a worker. */
export class Identity {
  readonly data: IdentityData;
  readonly place: IdentityPlace;
  /** What is known of issuers, for this configuration and those after it. */
  readonly issuers: Issuers;
  /** Of signatures, for this configuration and those after it. */
  readonly nonces: UsedNonces;
  /** For services, of all routes; those of unchanged providers also for the configurations after it. */
  readonly serviceTokens: ServiceTokens;
  readonly #passwords: PasswordChecker;
  #consumers: ConsumersByOwner | undefined;
  readonly #ofRoutes = new Map<string | undefined, RouteIdentity>();
  /** Undefined where the configuration has no providers and no sessions. */
  readonly #logins: Logins | undefined;
  #holders = 0;

  /** Without `code` nobody can log in: `with` has providers and sessions. */
  constructor(data: IdentityData, place: IdentityPlace, before?: Identity, code?: LoginsCode) {
    this.data = data;
    this.place = place;
    this.issuers =
      before?.issuers ??
      new Issuers({ timers: place.timers ?? systemTimers, random: Math.random, log: place.log });
    this.nonces = before?.nonces ?? new UsedNonces();
    const { log, nowMs } = place;
    this.serviceTokens = new ServiceTokens(
      data.providers,
      { log, nowMs, random: Math.random },
      before?.serviceTokens,
    );
    this.#passwords = before === undefined ? new PasswordChecker(place.nowMs) : before.#passwords;
    this.#logins = code && new code.Logins(data, place, this.issuers, () => this.#byOwner.of(undefined));
  }

  /** As routes of an organization see it, or of none. Those of organizations without consumers of their own see the same as those of none. */
  of(organization: string | undefined): RouteIdentity {
    const owner = this.#byOwner.has(organization) ? organization : undefined;
    let seen = this.#ofRoutes.get(owner);
    if (seen === undefined) {
      seen = new RouteIdentity(this, () => this.#byOwner.of(owner), owner);
      this.#ofRoutes.set(owner, seen);
    }
    return seen;
  }

  get #byOwner(): ConsumersByOwner {
    this.#consumers ??= new ConsumersByOwner(this.data.consumers, this.#passwords, this.place.nowMs);
    return this.#consumers;
  }

  get providers(): Providers {
    if (this.#logins === undefined) throw new Error('there are no providers');
    return this.#logins.providers;
  }

  /** The sessions of that kind. Throws an Error where the configuration has none of that name. */
  sessionsNamed(name: string): Sessions {
    if (this.#logins === undefined) throw new Error(`there are no sessions ${JSON.stringify(name)}`);
    return this.#logins.sessionsNamed(name);
  }

  /** One more configuration of the worker has it. */
  hold(): void {
    this.#holders++;
  }

  /** When the last has let go, whatever it opened is closed. */
  release(): void {
    if (--this.#holders === 0) this.#logins?.close(this.serviceTokens.settled());
  }

  /** When it resolves, no token is under way from a provider to the store. */
  async settled(): Promise<void> {
    await this.#logins?.settled();
  }

  /**
   * This where nothing differs, else another, to which what is known of unchanged providers goes over. With the code of logins, which is
   * loaded where there are providers or sessions: `jose` and `openid-client` are half of what a worker would load without them.
   */
  async with(data: IdentityData, records: RecordStores = this.place.records): Promise<Identity> {
    if (records === this.place.records && sameData(data, this.data)) return this;
    const hasLogins = Object.keys(data.providers).length + Object.keys(data.sessions).length > 0;
    const code = hasLogins ? await import('./logins.ts') : undefined;
    return new Identity(data, { ...this.place, records }, this, code);
  }
}
