import type { Principal } from '../../policy/principal.ts';
import type { ConsumerConfig } from './schema.ts';

/** Somebody of `consumers`. */
export interface Consumer {
  readonly name: string;
  readonly groups: readonly string[];
  readonly config: ConsumerConfig;
}

/** The consumers of a configuration by what they are known by. Made once per configuration. */
export class ConsumerIndex {
  readonly #byName = new Map<string, Consumer>();
  /** By provider and subject. */
  readonly #bySubject = new Map<string, Consumer>();

  constructor(consumers: Readonly<Record<string, ConsumerConfig>>) {
    for (const [name, config] of Object.entries(consumers)) {
      const consumer = { name, groups: config.groups, config };
      this.#byName.set(name, consumer);
      for (const { provider, subject } of config.subjects)
        this.#bySubject.set(JSON.stringify([provider, subject]), consumer);
    }
  }

  named(name: string): Consumer | undefined {
    return this.#byName.get(name);
  }

  /** Who a subject of one of `providers` is. */
  withSubject(provider: string, subject: string): Consumer | undefined {
    return this.#bySubject.size === 0 ? undefined : this.#bySubject.get(JSON.stringify([provider, subject]));
  }
}

/** A consumer as the principal that credentials of the configuration tell of. */
export function principalOf(
  consumer: Consumer,
  method: string,
  expiresAtMs = Number.POSITIVE_INFINITY,
): Principal {
  return {
    method,
    consumer: consumer.name,
    subject: consumer.name,
    issuer: '',
    scopes: [],
    groups: consumer.groups,
    roles: [],
    claims: {},
    session: '',
    expiresAtMs,
  };
}
