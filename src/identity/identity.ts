import { sameData } from '../lib/same-data.ts';
import type { Records } from '../state/records/records.ts';
import { ConsumerIndex } from './consumers/consumer-index.ts';
import type { ConsumerConfig } from './consumers/schema.ts';
import { Providers } from './providers/providers.ts';
import type { ProviderConfig } from './providers/schema.ts';
import type { SessionConfig } from './sessions/schema.ts';
import { Sessions } from './sessions/sessions.ts';
import { principalOf } from './sessions/user-principal.ts';

/** What the configuration says of who may call: plain data, with secrets resolved. */
export interface IdentityData {
  readonly consumers: Readonly<Record<string, ConsumerConfig>>;
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  readonly sessions: Readonly<Record<string, SessionConfig>>;
}

export const NO_IDENTITY: IdentityData = { consumers: {}, providers: {}, sessions: {} };

/** What it is made in. */
export interface IdentityPlace {
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Where sessions are kept; undefined where no request will come. */
  readonly records?: ((store: SessionConfig['store']) => Records) | undefined;
}

/** Who may call, as one configuration has it: one for all routes of a worker. Policies that authenticate are made of it. */
export class Identity {
  readonly data: IdentityData;
  readonly place: IdentityPlace;
  #consumers: ConsumerIndex | undefined;
  #providers: Providers | undefined;
  readonly #sessions = new Map<string, Sessions>();

  constructor(data: IdentityData, place: IdentityPlace) {
    this.data = data;
    this.place = place;
  }

  get consumers(): ConsumerIndex {
    this.#consumers ??= new ConsumerIndex(this.data.consumers);
    return this.#consumers;
  }

  get providers(): Providers {
    this.#providers ??= new Providers(this.data.providers, this.place.nowMs);
    return this.#providers;
  }

  /** The sessions of that kind. Throws an Error where the configuration has none of that name. */
  sessionsNamed(name: string): Sessions {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const config = Object.hasOwn(this.data.sessions, name) ? this.data.sessions[name] : undefined;
    if (config === undefined) throw new Error(`there are no sessions ${JSON.stringify(name)}`);
    const { records, nowMs, log } = this.place;
    if (records === undefined) throw new Error('there is nothing to keep sessions in');
    const provider = this.data.providers[config.login[0] ?? ''];
    const made = new Sessions(name, config, {
      records: records(config.store),
      nowMs,
      log,
      principal: (id, content) => principalOf(id, content, provider, this.consumers),
    });
    this.#sessions.set(name, made);
    return made;
  }

  /** When no configuration has it any more: requests under way go on, and remember nothing of sessions from then on. */
  close(): void {
    for (const sessions of this.#sessions.values()) sessions.close();
  }

  /** This where nothing differs, else another, to which what is known of unchanged providers goes over. */
  with(data: IdentityData): Identity {
    return sameData(data, this.data) ? this : new Identity(data, this.place);
  }
}
