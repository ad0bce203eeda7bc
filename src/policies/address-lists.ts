import { CidrSet } from '../lib/address-table.ts';
import type { AddressList } from '../policy/contract.ts';

/** A list of addresses as it comes to a worker. */
export interface AddressListData {
  readonly kind: AddressList['kind'];
  /** Differs where the list differs. */
  readonly digest: string;
  /** Of `buildTable`: shared by all threads, so that a long list is neither copied nor read again. */
  readonly table: Uint32Array<SharedArrayBuffer>;
}

/** Lists by name. */
export type AddressListsData = Readonly<Record<string, AddressListData>>;

/**
 * The lists of one worker. Policies hold on to a list, and a reload changes what is in it: so a list that changes takes effect without a
 * policy being made anew.
 */
export class AddressLists {
  readonly #lists = new Map<string, LiveList>();

  constructor(data: AddressListsData = {}) {
    this.add(data);
  }

  /** Throws an Error when there is no list of that name. */
  named(name: string): AddressList {
    const list = this.#lists.get(name);
    if (list === undefined) throw new Error(`there is no list ${JSON.stringify(name)}`);
    return list;
  }

  /** Makes the lists that are new, and leaves the others as they are: a configuration is being prepared. */
  add(data: AddressListsData): void {
    for (const [name, entry] of Object.entries(data))
      if (!this.#lists.has(name)) this.#lists.set(name, new LiveList(entry));
  }

  /** Puts these lists into force. */
  replace(data: AddressListsData): void {
    for (const name of this.#lists.keys()) if (!Object.hasOwn(data, name)) this.#lists.delete(name);
    for (const [name, entry] of Object.entries(data)) this.#lists.get(name)?.replace(entry);
    this.add(data);
  }
}

class LiveList implements AddressList {
  #data: AddressListData;
  #addresses: CidrSet;

  constructor(data: AddressListData) {
    this.#data = data;
    this.#addresses = new CidrSet(data.table);
  }

  get kind(): AddressList['kind'] {
    return this.#data.kind;
  }

  get addresses(): CidrSet {
    return this.#addresses;
  }

  replace(data: AddressListData): void {
    this.#data = data;
    this.#addresses = new CidrSet(data.table);
  }
}
