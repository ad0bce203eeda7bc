import { PasswordChecker } from '../../../identity/passwords/password-checker.ts';
import { HAS_ARGON2ID, hashPassword } from '../../../identity/passwords/password-hash.ts';
import { formatPhc, type PasswordHash, parsePhc } from '../../../identity/passwords/phc.ts';
import type { Account } from '../../rights/account.ts';
import type { KnownAccounts } from '../../rights/store/known-accounts.ts';
import { LoginAttempts } from './attempts.ts';

export type LocalVerdict =
  | { readonly kind: 'known'; readonly account: Account }
  | { readonly kind: 'wrong' }
  /** Too many attempts, or too many passwords are being checked. */
  | { readonly kind: 'wait'; readonly waitMs: number };

const BUSY_MS = 1000;
const KIND = HAS_ARGON2ID ? 'argon2id' : 'scrypt';

/** The hash of a new password, as a PHC string. */
export async function newPasswordHash(password: string): Promise<string> {
  return formatPhc(await hashPassword(password, KIND));
}

/** Logins with passwords that are kept here. */
export class LocalLogin {
  readonly #accounts: KnownAccounts;
  readonly #attempts: LoginAttempts;
  readonly #checker: PasswordChecker;
  /** What users are checked against who are not there: as costly as what others are, so that time does not tell who is. */
  #decoy: Promise<PasswordHash> | undefined;

  constructor(accounts: KnownAccounts, nowMs: () => number) {
    this.#accounts = accounts;
    this.#attempts = new LoginAttempts(nowMs);
    this.#checker = new PasswordChecker(nowMs);
  }

  /** Rejects where the store cannot be reached. */
  async check(name: string, password: string, address: string): Promise<LocalVerdict> {
    const waitMs = this.#attempts.take(name, address);
    if (waitMs !== undefined) return { kind: 'wait', waitMs };
    const user = await this.#accounts.user(name);
    const own = user?.password === null || user?.disabled !== 0 ? undefined : parsePhc(user.password);
    const hash = own === undefined || typeof own === 'string' ? await this.#decoyHash() : own;
    const verdict = await this.#checker.check(name, password, hash, address);
    if (verdict === 'busy') return { kind: 'wait', waitMs: BUSY_MS };
    if (!verdict || user === undefined || hash !== own) return { kind: 'wrong' };
    this.#attempts.succeeded(name, address);
    return { kind: 'known', account: await this.#accounts.accountOf(user) };
  }

  #decoyHash(): Promise<PasswordHash> {
    this.#decoy ??= hashPassword(crypto.randomUUID(), KIND);
    return this.#decoy;
  }
}
