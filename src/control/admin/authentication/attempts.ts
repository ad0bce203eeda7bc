import { BoundedMap } from '../../../lib/bounded-map.ts';
import { CLIENT_BITS, Networks } from '../../../lib/cidr.ts';

/** Attempts that may fail at once, and after how long there is one more. */
interface Allowance {
  readonly attempts: number;
  readonly perMs: number;
}

const OF_ACCOUNT: Allowance = { attempts: 10, perMs: 60_000 };
/** More: many people may be behind one address. */
const OF_ADDRESS: Allowance = { attempts: 30, perMs: 10_000 };
/** What is remembered of each kind. */
const REMEMBERED = 50_000;

/** What was used up, as the time that it takes to come back. */
interface Debt {
  ms: number;
  atMs: number;
}

/**
 * Slows down who guesses passwords: each attempt that fails uses up one of its account and one of its address, which come back with time. An address
 * from which the account was used with success is not held up by what others try, so that nobody locks out whom they only know by name. What is
 * remembered is bounded.
 */
export class LoginAttempts {
  readonly #nowMs: () => number;
  readonly #accounts = new BoundedMap<string, Debt>(REMEMBERED);
  readonly #addresses = new BoundedMap<string, Debt>(REMEMBERED);
  /** Of IPv6 64 bits, all of which one customer has. */
  readonly #networks = new Networks(CLIENT_BITS);
  readonly #familiar = new BoundedMap<string, true>(REMEMBERED);

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes an attempt: undefined, or the milliseconds to wait where there is none left; then the password is not to be looked at. */
  take(account: string, address: string): number | undefined {
    const network = this.#networks.of(address);
    const isFamiliar = this.#familiar.get(pairOf(account, network)) !== undefined;
    const nowMs = this.#nowMs();
    const ofAddress = debtOf(this.#addresses, network, nowMs);
    const addressWaitMs = waitOf(ofAddress, OF_ADDRESS);
    // Its accounts are not looked at: made-up ones would push out those that are remembered.
    if (addressWaitMs > 0) return addressWaitMs;
    const ofAccount = isFamiliar ? undefined : debtOf(this.#accounts, account, nowMs);
    const accountWaitMs = ofAccount === undefined ? 0 : waitOf(ofAccount, OF_ACCOUNT);
    if (accountWaitMs > 0) return accountWaitMs;
    ofAddress.ms += OF_ADDRESS.perMs;
    if (ofAccount !== undefined) ofAccount.ms += OF_ACCOUNT.perMs;
    return undefined;
  }

  /** The attempt succeeded: it is given back. */
  succeeded(account: string, address: string): void {
    const network = this.#networks.of(address);
    this.#familiar.set(pairOf(account, network), true);
    giveBack(this.#addresses.get(network), OF_ADDRESS);
    giveBack(this.#accounts.get(account), OF_ACCOUNT);
  }
}

function debtOf(debts: BoundedMap<string, Debt>, key: string, nowMs: number): Debt {
  let debt = debts.get(key);
  if (debt === undefined) {
    debt = { ms: 0, atMs: nowMs };
    debts.set(key, debt);
  }
  debt.ms = Math.max(0, debt.ms - (nowMs - debt.atMs));
  debt.atMs = nowMs;
  return debt;
}

function waitOf({ ms }: Debt, { attempts, perMs }: Allowance): number {
  return ms + perMs - attempts * perMs;
}

function giveBack(debt: Debt | undefined, { perMs }: Allowance): void {
  if (debt !== undefined) debt.ms = Math.max(0, debt.ms - perMs);
}

function pairOf(account: string, network: string): string {
  return `${network} ${account}`;
}
