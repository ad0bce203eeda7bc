import { type CidrSet, compileCidrs } from '../../lib/address-table.ts';
import type { AddressReader } from '../../lib/cidr.ts';
import type { AddressList } from '../../policy/contract.ts';
import type { IpFilterEntry } from './schema.ts';

/** What of a side an address stands in. */
export type Found = AddressList['kind'] | undefined;

/** `allow` or `deny` of a filter: the addresses written there, and lists. */
export class Side {
  readonly #own: CidrSet;
  readonly #lists: readonly AddressList[];

  /** Throws an Error when there is no list of a name. */
  constructor(entries: readonly IpFilterEntry[], listNamed: (name: string) => AddressList) {
    this.#own = compileCidrs(entries.filter((entry) => typeof entry === 'string'));
    this.#lists = entries.flatMap((entry) => (typeof entry === 'string' ? [] : [listNamed(entry.list)]));
  }

  find(address: AddressReader): Found {
    if (this.#own.covers(address)) return 'addresses';
    for (let i = 0; i < this.#lists.length; i++) {
      const list = this.#lists[i] as AddressList;
      if (list.addresses.covers(address)) return list.kind;
    }
    return undefined;
  }

  /** Whether countries are all that it tells of. */
  get ofCountries(): boolean {
    return this.#own.size === 0 && this.#lists.every(({ kind }) => kind === 'countries');
  }
}
