import { sameData } from '../lib/same-data.ts';
import { ConsumerIndex } from './consumers/consumer-index.ts';
import type { ConsumerConfig } from './consumers/schema.ts';
import type { ProviderConfig } from './providers/schema.ts';
import type { SessionConfig } from './sessions/schema.ts';

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
}

/** Who may call, as one configuration has it: one for all routes of a worker. Policies that authenticate are made of it. */
export class Identity {
  readonly data: IdentityData;
  readonly place: IdentityPlace;
  #consumers: ConsumerIndex | undefined;

  constructor(data: IdentityData, place: IdentityPlace) {
    this.data = data;
    this.place = place;
  }

  get consumers(): ConsumerIndex {
    this.#consumers ??= new ConsumerIndex(this.data.consumers);
    return this.#consumers;
  }

  /** This where nothing differs, else another, to which what is known of unchanged providers goes over. */
  with(data: IdentityData): Identity {
    return sameData(data, this.data) ? this : new Identity(data, this.place);
  }
}
