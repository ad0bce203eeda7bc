import type { PasswordChecker } from '../passwords/password-checker.ts';
import { ConsumerIndex } from './consumer-index.ts';
import type { ConsumerConfig } from './schema.ts';

/** The consumers of a configuration by the organization that they belong to: on whose routes alone they are known. */
export class ConsumersByOwner {
  readonly #byOwner = new Map<string | undefined, [name: string, config: ConsumerConfig][]>();
  readonly #indexes = new Map<string | undefined, ConsumerIndex>();
  readonly #passwords: PasswordChecker;
  readonly #nowMs: () => number;

  constructor(
    consumers: Readonly<Record<string, ConsumerConfig>>,
    passwords: PasswordChecker,
    nowMs: () => number,
  ) {
    this.#passwords = passwords;
    this.#nowMs = nowMs;
    for (const entry of Object.entries(consumers)) {
      const { organization } = entry[1];
      const owned = this.#byOwner.get(organization);
      if (owned === undefined) this.#byOwner.set(organization, [entry]);
      else owned.push(entry);
    }
  }

  /** Whether consumers belong to that organization. */
  has(organization: string | undefined): boolean {
    return this.#byOwner.has(organization);
  }

  /** Who is known on routes of an organization: its own consumers and the shared ones. Undefined: the shared ones alone. */
  of(organization: string | undefined): ConsumerIndex {
    let index = this.#indexes.get(organization);
    if (index === undefined) {
      const shared = organization === undefined ? undefined : this.of(undefined);
      const own = this.#byOwner.get(organization) ?? [];
      index = new ConsumerIndex(own, this.#passwords, this.#nowMs, shared);
      this.#indexes.set(organization, index);
    }
    return index;
  }
}
