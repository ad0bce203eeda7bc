import { sameData } from '../lib/same-data.ts';
import { SharedPool } from '../lib/shared-pool.ts';
import { systemTimers, type Timers } from '../lib/timers.ts';
import type { HeldRecords, RecordStores } from '../state/records/record-stores.ts';
import { ConsumerIndex } from './consumers/consumer-index.ts';
import { Issuers } from './discovery/issuers.ts';
import type { IdentityData } from './identity-data.ts';
import { PasswordChecker } from './passwords/password-checker.ts';
import { Providers } from './providers/providers.ts';
import { ClientTokens } from './sessions/client-tokens.ts';
import { Sessions } from './sessions/sessions.ts';
import { principalOf } from './sessions/user-principal.ts';
import { UsedNonces } from './used-nonces.ts';

/** What it is made in. */
export interface IdentityPlace {
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Where sessions and the like are kept. */
  readonly records: RecordStores;
  /** Default: the process's own. */
  readonly timers?: Timers;
}

/** Who may call, as one configuration has it: one for all routes of a worker. Policies that authenticate are made of it. */
export class Identity {
  readonly data: IdentityData;
  readonly place: IdentityPlace;
  /** What is known of issuers, for this configuration and those after it. */
  readonly issuers: Issuers;
  /** Of signatures, for this configuration and those after it. */
  readonly nonces: UsedNonces;
  /** What several policies of this configuration hold together. */
  readonly shared = new SharedPool();
  readonly #passwords: PasswordChecker;
  #consumers: ConsumerIndex | undefined;
  #providers: Providers | undefined;
  readonly #sessions = new Map<string, Sessions>();
  readonly #held: HeldRecords[] = [];
  #holders = 0;

  constructor(data: IdentityData, place: IdentityPlace, before?: Identity) {
    this.data = data;
    this.place = place;
    this.issuers =
      before?.issuers ??
      new Issuers({ timers: place.timers ?? systemTimers, random: Math.random, log: place.log });
    this.nonces = before?.nonces ?? new UsedNonces();
    this.#passwords = before === undefined ? new PasswordChecker(place.nowMs) : before.#passwords;
  }

  get consumers(): ConsumerIndex {
    this.#consumers ??= new ConsumerIndex(this.data.consumers, this.#passwords, this.place.nowMs);
    return this.#consumers;
  }

  get providers(): Providers {
    this.#providers ??= new Providers(this.data.providers, this.place.nowMs, this.issuers);
    return this.#providers;
  }

  /** The sessions of that kind. Throws an Error where the configuration has none of that name. */
  sessionsNamed(name: string): Sessions {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const config = Object.hasOwn(this.data.sessions, name) ? this.data.sessions[name] : undefined;
    if (config === undefined) throw new Error(`there are no sessions ${JSON.stringify(name)}`);
    const { records, nowMs, log } = this.place;
    const held = records.open(config.store);
    this.#held.push(held);
    const provider = this.data.providers[config.login[0] ?? ''];
    const clientTokens =
      config.clients.length === 0
        ? undefined
        : new ClientTokens(config, {
            issuers: this.issuers,
            providers: this.data.providers,
            consumers: this.consumers,
            nowMs,
          });
    const made = new Sessions(name, config, {
      records: held.records,
      nowMs,
      log,
      provider: (wanted) => this.providers.named(wanted),
      clientTokens,
      principal: (id, content) => principalOf(id, content, provider, this.consumers),
    });
    this.#sessions.set(name, made);
    return made;
  }

  /** One more configuration of the worker has it. */
  hold(): void {
    this.#holders++;
  }

  /** When the last has let go, whatever it opened is closed. */
  release(): void {
    if (--this.#holders > 0) return;
    const settled = this.settled();
    for (const sessions of this.#sessions.values()) sessions.close();
    this.#sessions.clear();
    void settled.then(() => {
      this.#providers?.close();
      this.#providers = undefined;
      for (const held of this.#held.splice(0)) held.release();
    });
  }

  /** When it resolves, no token is under way from a provider to the store. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#sessions.values(), (sessions) => sessions.tokens.settled()));
  }

  /** This where nothing differs, else another, to which what is known of unchanged providers goes over. */
  with(data: IdentityData, records: RecordStores = this.place.records): Identity {
    if (records === this.place.records && sameData(data, this.data)) return this;
    return new Identity(data, { ...this.place, records }, this);
  }
}
