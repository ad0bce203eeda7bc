import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hashOf } from '../../lib/hash.ts';
import type { Known } from '../authenticator.ts';
import type { PasswordChecker, PasswordVerdict } from '../passwords/password-checker.ts';
import { decoyOf } from '../passwords/password-hash.ts';
import { type PasswordHash, parsePhc } from '../passwords/phc.ts';
import { type Consumer, principalOf } from './consumer.ts';

type Secret =
  | { readonly kind: 'hash'; readonly hash: PasswordHash }
  /** HMAC of a password that the configuration has in plain text. */
  | { readonly kind: 'plain'; readonly digest: Buffer };

interface User {
  readonly secret: Secret;
  readonly known: Known;
}

/** Consumers with a user name and a password. */
export class BasicUsers {
  readonly #users = new Map<string, User>();
  /** What unknown users are checked against: as costly as what known ones are, so that time does not tell who is known. */
  readonly #decoys: readonly Secret[];
  readonly #key: Buffer;
  readonly #shared: BasicUsers | undefined;
  readonly #checker: PasswordChecker;

  /** `shared` are known beside them, of whom none has the same name. */
  constructor(consumers: Iterable<Consumer>, checker: PasswordChecker, shared?: BasicUsers) {
    this.#checker = checker;
    this.#shared = shared;
    this.#key = shared === undefined ? randomBytes(32) : shared.#key;
    for (const consumer of consumers) {
      const { basic } = consumer.config;
      const secret = basic === undefined ? undefined : this.#secretOf(basic);
      if (secret === undefined) continue;
      const known: Known = { kind: 'known', principal: principalOf(consumer, 'basic') };
      this.#users.set(basic?.username ?? consumer.name, { secret, known });
    }
    const decoys = Array.from(this.#users.values(), ({ secret }) => decoySecret(secret));
    this.#decoys = shared === undefined ? decoys : [...decoys, ...shared.#decoys];
  }

  /** The user with that password, undefined when there is none, `busy` when too many passwords are being checked. */
  find(
    username: string,
    password: string,
    client: string,
  ): Known | undefined | 'busy' | Promise<Known | undefined | 'busy'> {
    const user = this.#userOf(username);
    // The same decoy each time, or an unknown name would be the one whose time varies.
    const secret = user?.secret ?? this.#decoys[hashOf(username) % this.#decoys.length];
    if (secret === undefined) return undefined;
    const verdict = this.#check(username, password, secret, client);
    if (verdict instanceof Promise) return verdict.then((settled) => found(settled, user));
    return found(verdict, user);
  }

  #userOf(username: string): User | undefined {
    const own = this.#users.get(username);
    return own !== undefined || this.#shared === undefined ? own : this.#shared.#userOf(username);
  }

  #check(
    username: string,
    password: string,
    secret: Secret,
    client: string,
  ): PasswordVerdict | Promise<PasswordVerdict> {
    if (secret.kind === 'hash') return this.#checker.check(username, password, secret.hash, client);
    return timingSafeEqual(this.#digest(password), secret.digest);
  }

  #secretOf({ password, hash }: NonNullable<Consumer['config']['basic']>): Secret | undefined {
    if (password !== undefined) return { kind: 'plain', digest: this.#digest(password) };
    const parsed = hash === undefined ? '' : parsePhc(hash);
    // What is wrong with it was told when the configuration was loaded.
    return typeof parsed === 'string' ? undefined : { kind: 'hash', hash: parsed };
  }

  #digest(password: string): Buffer {
    return createHmac('sha256', this.#key).update(password).digest();
  }
}

function decoySecret(secret: Secret): Secret {
  return secret.kind === 'hash'
    ? { kind: 'hash', hash: decoyOf(secret.hash) }
    : { kind: 'plain', digest: randomBytes(secret.digest.length) };
}

function found(verdict: PasswordVerdict, user: User | undefined): Known | undefined | 'busy' {
  if (verdict === 'busy') return 'busy';
  return verdict ? user?.known : undefined;
}
