import { createHash } from 'node:crypto';
import { CLIENT_BITS, Networks } from '../../lib/cidr.ts';
import { PASSING, type Records } from '../../state/records/records.ts';
import type { KeyRing } from '../sessions/key-ring.ts';

/**
 * Of one network, an IPv4 address or the half of an IPv6 address that names one customer's network (RFC 6177): there may be a whole office behind it,
 * but hardly so many who are on the way to a provider at a time.
 */
const MAX_OF_NETWORK = 500;
/** Of all together, in sets that are about equally full. */
const SETS = 32;
const MAX_OF_SET = 900;
const NETWORKS = new Networks(CLIENT_BITS);

/**
 * What anybody may begin who is not signed in, such as logins and sign-ins of devices: records for a while. There are at most so many of one network
 * and so many in all, and the oldest of those make room.
 */
export class Begun {
  readonly #records: Records;
  readonly #ring: KeyRing;
  readonly #kind: string;

  /** `kind`: name of the sessions. */
  constructor(records: Records, ring: KeyRing, kind: string) {
    this.#records = records;
    this.#ring = ring;
    this.#kind = kind;
  }

  /** Name of the record of this name. */
  keyOf(name: string): string {
    return PASSING + name;
  }

  /** Names the network of an address, without telling it. */
  by(clientAddress: string): string {
    return this.#ring.nameOf(`${this.#kind}\n${NETWORKS.of(clientAddress)}`, 'network');
  }

  /** False where there is one of that key. `by`: where it counts for a network too. Rejects with `RecordsUnavailable`. */
  async begin(key: string, value: string, ttlMs: number, by?: string): Promise<boolean> {
    if (!(await this.#records.create(key, value, ttlMs))) return false;
    await Promise.all(setsOf(key, by).map(({ set, max }) => this.#join(set, key, ttlMs, max)));
    return true;
  }

  /** It was taken and counts no more. Where the store is away it does so until its time is over. */
  async end(key: string, by?: string): Promise<void> {
    await Promise.allSettled(setsOf(key, by).map(({ set }) => this.#records.removeMember(set, key)));
  }

  async #join(set: string, key: string, ttlMs: number, max: number): Promise<void> {
    if ((await this.#records.addMember(set, key, ttlMs)) <= max) return;
    const members = await this.#records.members(set);
    const surplus = members.slice(0, Math.max(0, members.length - max));
    await this.#records.remove(surplus);
    // Also among all: there the names of one network's would push out what others began.
    const places = surplus.flatMap((oldest) => [[set, oldest] as const, [setOfAll(oldest), oldest] as const]);
    await Promise.all(places.map(([from, oldest]) => this.#records.removeMember(from, oldest)));
  }
}

/** Where it counts. */
function setsOf(
  key: string,
  by: string | undefined,
): readonly { readonly set: string; readonly max: number }[] {
  const inAll = { set: setOfAll(key), max: MAX_OF_SET };
  return by === undefined ? [inAll] : [inAll, { set: `${PASSING}n:${by}`, max: MAX_OF_NETWORK }];
}

function setOfAll(key: string): string {
  const [first = 0] = createHash('sha256').update(key).digest();
  return `${PASSING}a:${first % SETS}`;
}
