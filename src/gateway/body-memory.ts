import { CLIENT_BITS, Networks } from '../lib/cidr.ts';

/** Of one worker, for all of its requests: a limit on each body alone would be multiplied by every client that sends one slowly. */
const MAX_HELD_BYTES = 512 * 1024 * 1024;
/**
 * What one client may have of it: the rest is there for others, whatever it sends. The largest body that is checked fits in. All addresses of a
 * network of IPv6 are one client: whoever has one of them has 2^64.
 */
const CLIENT_SHARE = 1 / 4;
/** What the requests of one route may have: a route that takes large bodies leaves room for the others. */
const ROUTE_SHARE = 1 / 2;

/** Whose memory is bounded. */
export interface BodyHolder {
  /** False when there is no memory for so many octets more. */
  hold(bytes: number): boolean;
  /** So many of those that it holds are not needed any more. */
  release(bytes: number): void;
}

/** For whom memory is taken: see `userOf`. */
export interface MemoryUser {
  readonly client: string;
  readonly route: string;
}

/** How much memory bodies may take that are kept for the policies to look at. */
export class BodyMemory {
  #left: number;
  readonly #clients: Shares;
  readonly #routes: Shares;
  readonly #networks = new Networks(CLIENT_BITS);

  constructor(bytes = MAX_HELD_BYTES) {
    this.#left = bytes;
    this.#clients = new Shares(bytes * CLIENT_SHARE);
    this.#routes = new Shares(bytes * ROUTE_SHARE);
  }

  /** Requests on that route by a client of that address. */
  userOf(address: string, route: string): MemoryUser {
    return { client: this.#networks.of(address), route };
  }

  /** False when there is not so much left, for all, for this client or for this route: nothing is taken then. */
  take(bytes: number, { client, route }: MemoryUser): boolean {
    if (bytes > this.#left || !this.#clients.has(client, bytes) || !this.#routes.has(route, bytes))
      return false;
    this.#left -= bytes;
    this.#clients.add(client, bytes);
    this.#routes.add(route, bytes);
    return true;
  }

  give(bytes: number, { client, route }: MemoryUser): void {
    this.#left += bytes;
    this.#clients.add(client, -bytes);
    this.#routes.add(route, -bytes);
  }
}

/** Octets by name. Only those that have any are remembered, so that they are as many as there are requests at most. */
class Shares {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  has(name: string, bytes: number): boolean {
    return (this.#taken.get(name) ?? 0) + bytes <= this.#most;
  }

  add(name: string, bytes: number): void {
    const taken = (this.#taken.get(name) ?? 0) + bytes;
    if (taken === 0) this.#taken.delete(name);
    else this.#taken.set(name, taken);
  }
}
