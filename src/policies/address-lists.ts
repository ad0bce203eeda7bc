import { CidrSet } from '../lib/address-table.ts';
import { TextTable } from '../lib/text-table.ts';
import type { AddressList, TextList } from '../policy/contract.ts';

/** What a list is made of. */
export type ListKind = AddressList['kind'] | TextList['kind'];

/** A list as it comes to a worker. */
export interface ListData {
  readonly kind: ListKind;
  /** Differs where the list differs. */
  readonly digest: string;
  /** Of `buildTable` or `buildTextTable`: shared by all threads, so that a long list is neither copied nor read again. */
  readonly table: Uint32Array<SharedArrayBuffer>;
}

/** Lists by name. */
export type AddressListsData = Readonly<Record<string, ListData>>;

export function isTextKind(kind: ListKind): kind is TextList['kind'] {
  return kind === 'texts' || kind === 'prefixes';
}

/**
 * The lists of one worker. Policies hold on to a list, and a reload changes what is in it: so a list that changes takes effect without a
 * policy being made anew.
 */
export class AddressLists {
  readonly #addresses = new Map<string, LiveList>();
  readonly #texts = new Map<string, LiveTextList>();

  constructor(data: AddressListsData = {}) {
    this.add(data);
  }

  /** Throws an Error when there is no list of addresses of that name. */
  named(name: string): AddressList {
    const list = this.#addresses.get(name);
    if (list !== undefined) return list;
    throw this.#texts.has(name) ? new Error(`the list ${name} holds texts, and no addresses`) : noList(name);
  }

  /** Throws an Error when there is no list of texts of that name. */
  textsNamed(name: string): TextList {
    const list = this.#texts.get(name);
    if (list !== undefined) return list;
    throw this.#addresses.has(name)
      ? new Error(`the list ${name} holds addresses, and no texts`)
      : noList(name);
  }

  /** Makes the lists that are new, and leaves the others as they are: a configuration is being prepared. */
  add(data: AddressListsData): void {
    for (const [name, entry] of Object.entries(data)) {
      // One that held something else until now is there twice meanwhile: those in force ask for the other.
      if (isTextKind(entry.kind)) {
        if (!this.#texts.has(name)) this.#texts.set(name, new LiveTextList(entry));
      } else if (!this.#addresses.has(name)) this.#addresses.set(name, new LiveList(entry));
    }
  }

  /** Puts these lists into force. */
  replace(data: AddressListsData): void {
    const entries = new Map(Object.entries(data));
    for (const [lists, areTexts] of [
      [this.#addresses, false],
      [this.#texts, true],
    ] as const)
      for (const [name, list] of lists) {
        const entry = entries.get(name);
        if (entry === undefined || isTextKind(entry.kind) !== areTexts) lists.delete(name);
        else list.replace(entry);
      }
    this.add(data);
  }
}

function noList(name: string): Error {
  return new Error(`there is no list ${JSON.stringify(name)}`);
}

class LiveList implements AddressList {
  #data: ListData;
  #addresses: CidrSet;

  constructor(data: ListData) {
    this.#data = data;
    this.#addresses = new CidrSet(data.table);
  }

  get kind(): AddressList['kind'] {
    return this.#data.kind === 'countries' ? 'countries' : 'addresses';
  }

  get addresses(): CidrSet {
    return this.#addresses;
  }

  replace(data: ListData): void {
    this.#data = data;
    this.#addresses = new CidrSet(data.table);
  }
}

class LiveTextList implements TextList {
  #kind: TextList['kind'];
  #table: TextTable;

  constructor({ kind, table }: ListData) {
    this.#kind = kind === 'prefixes' ? 'prefixes' : 'texts';
    this.#table = new TextTable(table);
  }

  get kind(): TextList['kind'] {
    return this.#kind;
  }

  has(text: string): boolean {
    return this.#kind === 'texts' ? this.#table.has(text) : this.#table.hasPrefixOf(text);
  }

  replace({ kind, table }: ListData): void {
    this.#kind = kind === 'prefixes' ? 'prefixes' : 'texts';
    this.#table = new TextTable(table);
  }
}
