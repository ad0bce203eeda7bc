import { Networks } from '../../../lib/cidr.ts';

/** Of one address: many people may be behind it. */
const PER_NETWORK = 100;
const IN_ALL = 10_000;

interface Kept<Login> {
  readonly network: string;
  readonly login: Login;
}

/**
 * Logins that were begun, by their state. Who begins too many from one address loses the oldest of these and of no other; where all together are too
 * many, one of the address that has most makes room.
 */
export class BegunLogins<Login extends { readonly endsAtMs: number }> {
  readonly #nowMs: () => number;
  /** All last equally long, so that the first is the first to end. */
  readonly #logins = new Map<string, Kept<Login>>();
  /** States of each network, the oldest first. */
  readonly #ofNetworks = new Map<string, Set<string>>();
  /** Of IPv6 64 bits, all of which one customer has. */
  readonly #networks = new Networks({ ipv4: 32, ipv6: 64 });
  readonly #most: number;

  constructor(nowMs: () => number, most: number = IN_ALL) {
    this.#nowMs = nowMs;
    this.#most = most;
  }

  get size(): number {
    return this.#logins.size;
  }

  add(state: string, address: string, login: Login): void {
    this.#forgetEnded();
    const network = this.#networks.of(address);
    const own = this.#ofNetworks.get(network);
    if (own !== undefined && own.size >= PER_NETWORK) this.#dropOldest(own);
    else if (this.#logins.size >= this.#most) this.#dropOldest(this.#largest());
    this.#logins.set(state, { network, login });
    // It may have been the last that made room.
    const states = this.#ofNetworks.get(network) ?? new Set();
    this.#ofNetworks.set(network, states.add(state));
  }

  /** Undefined for one that was never begun, that made room, or whose time is over. */
  get(state: string): Login | undefined {
    const login = this.#logins.get(state)?.login;
    return login === undefined || login.endsAtMs <= this.#nowMs() ? undefined : login;
  }

  delete(state: string): void {
    const kept = this.#logins.get(state);
    if (kept === undefined) return;
    this.#logins.delete(state);
    const states = this.#ofNetworks.get(kept.network);
    states?.delete(state);
    if (states?.size === 0) this.#ofNetworks.delete(kept.network);
  }

  #forgetEnded(): void {
    const nowMs = this.#nowMs();
    for (const [state, { login }] of this.#logins) {
      if (login.endsAtMs > nowMs) return;
      this.delete(state);
    }
  }

  #dropOldest(states: ReadonlySet<string>): void {
    for (const state of states) {
      this.delete(state);
      return;
    }
  }

  #largest(): ReadonlySet<string> {
    let largest: ReadonlySet<string> = new Set();
    for (const states of this.#ofNetworks.values()) if (states.size > largest.size) largest = states;
    return largest;
  }
}
