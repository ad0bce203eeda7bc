/** token of RFC 9110 section 5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** field-value of RFC 9110 section 5.5: no control character but HTAB, no white space at either end. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function isFieldValue(text: string): boolean {
  return VALUE.test(text);
}

/**
 * Header or trailer fields, in the order in which they came. Lookups take the name in small letters; the name is
 * sent on as it was written. Values are latin1 text: one character is one octet (RFC 9110 section 5.5).
 */
export class Fields {
  /** Triples: name in small letters, name as written, value. Read by index on the hot path; change it only here. */
  readonly list: string[];

  constructor(list: string[] = []) {
    this.list = list;
  }

  static from(record: Readonly<Record<string, string>>): Fields {
    const fields = new Fields();
    for (const name in record) fields.append(name, record[name] as string);
    return fields;
  }

  get size(): number {
    return this.list.length / 3;
  }

  /** The first value of a field, or undefined. */
  get(name: string): string | undefined {
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) return list[i + 2];
    return undefined;
  }

  /** Every value of a field, in order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) values.push(list[i + 2] as string);
    return values;
  }

  has(name: string): boolean {
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) return true;
    return false;
  }

  /** Adds a field. Throws TypeError when name or value could not stand in a message. */
  append(name: string, value: string): void {
    if (!TOKEN.test(name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`);
    if (!VALUE.test(value)) throw new TypeError(`not a value for the field ${name}`);
    this.list.push(name.toLowerCase(), name, value);
  }

  /** Replaces every field of that name by one, in the place of the first. Throws as `append` does. */
  set(name: string, value: string): void {
    const lower = name.toLowerCase();
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) {
      if (list[i] !== lower) continue;
      if (!VALUE.test(value)) throw new TypeError(`not a value for the field ${name}`);
      list[i + 2] = value;
      this.#remove(lower, i + 3);
      return;
    }
    this.append(name, value);
  }

  /** Adds a field that the caller knows to be well-formed; `lower` is `name` in small letters. */
  push(lower: string, name: string, value: string): void {
    this.list.push(lower, name, value);
  }

  /** As `set`, for a field that the caller knows to be well-formed; `lower` is `name` in small letters. */
  put(lower: string, name: string, value: string): void {
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) {
      if (list[i] !== lower) continue;
      list[i + 2] = value;
      this.#remove(lower, i + 3);
      return;
    }
    list.push(lower, name, value);
  }

  delete(name: string): boolean {
    const before = this.list.length;
    this.#remove(name, 0);
    return this.list.length !== before;
  }

  clear(): void {
    this.list.length = 0;
  }

  clone(): Fields {
    return new Fields(this.list.slice());
  }

  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) yield [list[i] as string, list[i + 2] as string];
  }

  #remove(name: string, from: number): void {
    const list = this.list;
    let kept = from;
    for (let i = from; i < list.length; i += 3) {
      if (list[i] === name) continue;
      if (kept !== i) {
        list[kept] = list[i] as string;
        list[kept + 1] = list[i + 1] as string;
        list[kept + 2] = list[i + 2] as string;
      }
      kept += 3;
    }
    // Setting an array's length costs even where nothing changes.
    if (kept !== list.length) list.length = kept;
  }
}
