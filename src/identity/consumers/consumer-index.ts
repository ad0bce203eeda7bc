import type { PasswordChecker } from '../passwords/password-checker.ts';
import { ApiKeys } from './api-keys.ts';
import { BasicUsers } from './basic-users.ts';
import { Certificates } from './certificates.ts';
import type { Consumer } from './consumer.ts';
import type { ConsumerConfig } from './schema.ts';
import { SignatureKeys } from './signature-keys.ts';

/** Consumers by what they are known by. Made once per configuration and organization; what is not asked for is not made. */
export class ConsumerIndex {
  readonly #byName = new Map<string, Consumer>();
  /** By provider and subject. */
  readonly #bySubject = new Map<string, Consumer>();
  readonly #passwords: PasswordChecker;
  readonly #nowMs: () => number;
  readonly #shared: ConsumerIndex | undefined;
  #users: BasicUsers | undefined;
  #apiKeys: ApiKeys | undefined;
  #certificates: Certificates | undefined;
  #signatureKeys: SignatureKeys | undefined;

  /** `shared` are others that are known beside these, of whom none is known by the same. */
  constructor(
    consumers: Iterable<readonly [name: string, config: ConsumerConfig]>,
    passwords: PasswordChecker,
    nowMs: () => number,
    shared?: ConsumerIndex,
  ) {
    this.#passwords = passwords;
    this.#nowMs = nowMs;
    this.#shared = shared;
    for (const [name, config] of consumers) {
      const consumer = { name, groups: config.groups, config };
      this.#byName.set(name, consumer);
      for (const { provider, subject } of config.subjects)
        this.#bySubject.set(JSON.stringify([provider, subject]), consumer);
    }
  }

  get users(): BasicUsers {
    this.#users ??= new BasicUsers(this.#byName.values(), this.#passwords, this.#shared?.users);
    return this.#users;
  }

  get apiKeys(): ApiKeys {
    this.#apiKeys ??= new ApiKeys(this.#byName.values(), this.#nowMs, this.#shared?.apiKeys);
    return this.#apiKeys;
  }

  get certificates(): Certificates {
    this.#certificates ??= new Certificates(this.#byName.values(), this.#shared?.certificates);
    return this.#certificates;
  }

  get signatureKeys(): SignatureKeys {
    this.#signatureKeys ??= new SignatureKeys(
      this.#byName.values(),
      this.#nowMs,
      this.#shared?.signatureKeys,
    );
    return this.#signatureKeys;
  }

  named(name: string): Consumer | undefined {
    return this.#byName.get(name) ?? this.#shared?.named(name);
  }

  /** Who a subject of one of `providers` is. */
  withSubject(provider: string, subject: string): Consumer | undefined {
    const own =
      this.#bySubject.size === 0 ? undefined : this.#bySubject.get(JSON.stringify([provider, subject]));
    return own ?? this.#shared?.withSubject(provider, subject);
  }
}
