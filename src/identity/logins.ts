import type { HeldRecords } from '../state/records/record-stores.ts';
import type { ConsumerIndex } from './consumers/consumer-index.ts';
import type { Issuers } from './discovery/issuers.ts';
import type { IdentityData } from './identity-data.ts';
import type { IdentityPlace } from './identity-place.ts';
import { Providers } from './providers/providers.ts';
import { ClientTokens } from './sessions/client-tokens.ts';
import { Sessions } from './sessions/sessions.ts';
import { principalOf } from './sessions/user-principal.ts';

/** Providers and sessions of one configuration: who logs in, and where. */
export class Logins {
  readonly providers: Providers;
  readonly #data: IdentityData;
  readonly #place: IdentityPlace;
  readonly #issuers: Issuers;
  readonly #consumers: () => ConsumerIndex;
  readonly #sessions = new Map<string, Sessions>();
  readonly #held: HeldRecords[] = [];

  constructor(data: IdentityData, place: IdentityPlace, issuers: Issuers, consumers: () => ConsumerIndex) {
    this.#data = data;
    this.#place = place;
    this.#issuers = issuers;
    this.#consumers = consumers;
    this.providers = new Providers(data.providers, place.nowMs, issuers);
  }

  /** The sessions of that kind. Throws an Error where the configuration has none of that name. */
  sessionsNamed(name: string): Sessions {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const { sessions, providers } = this.#data;
    const config = Object.hasOwn(sessions, name) ? sessions[name] : undefined;
    if (config === undefined) throw new Error(`there are no sessions ${JSON.stringify(name)}`);
    const { records, nowMs, log } = this.#place;
    const held = records.open(config.store);
    this.#held.push(held);
    const provider = providers[config.login[0] ?? ''];
    const clientTokens =
      config.clients.length === 0
        ? undefined
        : new ClientTokens(config, {
            issuers: this.#issuers,
            providers,
            consumers: this.#consumers(),
            nowMs,
          });
    const made = new Sessions(name, config, {
      records: held.records,
      nowMs,
      log,
      provider: (wanted) => this.providers.named(wanted),
      clientTokens,
      principal: (id, content, consumers = this.#consumers()) =>
        principalOf(id, content, provider, consumers),
    });
    this.#sessions.set(name, made);
    return made;
  }

  /** When it resolves, no token is under way from a provider to the store. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#sessions.values(), (sessions) => sessions.tokens.settled()));
  }

  /** Closes sessions at once, and whatever was opened for them when they have settled, and what `others` is of too. */
  close(others: Promise<void>): void {
    const settled = Promise.all([this.settled(), others]);
    for (const sessions of this.#sessions.values()) sessions.close();
    this.#sessions.clear();
    void settled.then(() => {
      this.providers.close();
      for (const held of this.#held.splice(0)) held.release();
    });
  }
}
