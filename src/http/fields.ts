import { keptText } from '../lib/kept-text.ts';

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

const COLON = 0x3a;

/** The bit of a first letter, small or capital, in a set of them. */
export function initialBit(letter: number): number {
  return 1 << (letter & 31);
}

/**
 * Header or trailer fields, in the order in which they came. Lookups take the name in small letters; the name is
 * sent on as it was written. Values are latin1 text: one character is one octet (RFC 9110 section 5.5).
 *
 * Fields that came in a message stay the text that they were until one of them has to be changed: most are passed on as they
 * came, and a field that is not there is mostly known from its first letter.
 */
export class Fields {
  /** Field lines, each `Name: value` and CR LF; unused once there is a list. */
  #lines: string;
  /** Which first letters the names have, at least. */
  #initials: number;
  /** Lines that were added, kept apart: a text that grows is copied whole by the next look into it. */
  #added = '';
  #addedInitials = 0;
  #list: string[] | undefined;

  /** `list` holds triples: name in small letters, name as written, value. */
  constructor(list?: string[]) {
    this.#lines = '';
    this.#initials = 0;
    this.#list = list;
  }

  /** Fields of lines that are well-formed, each ending in CR LF, with one space after the colon; `initials` are `initialBit`s. */
  static ofLines(lines: string, initials: number): Fields {
    const fields = new Fields();
    fields.#lines = lines;
    fields.#initials = initials;
    return fields;
  }

  static from(record: Readonly<Record<string, string>>): Fields {
    const fields = new Fields();
    for (const name in record) fields.append(name, record[name] as string);
    return fields;
  }

  /** Triples: name in small letters, name as written, value. For reading; asking for it takes the lines apart. */
  get list(): readonly string[] {
    return this.#list ?? this.#split();
  }

  get size(): number {
    return this.list.length / 3;
  }

  /** Whether some name begins with this, which is in small letters. */
  hasPrefix(prefix: string): boolean {
    const list = this.#list;
    if (list === undefined) {
      return (
        find(this.#lines, this.#initials, prefix, false) >= 0 ||
        find(this.#added, this.#addedInitials, prefix, false) >= 0
      );
    }
    for (let i = 0; i < list.length; i += 3) if ((list[i] as string).startsWith(prefix)) return true;
    return false;
  }

  /** Whether `isMeant` takes a name, in small letters. It is asked of those alone whose first letter is in the set of `initialBit`s. */
  someName(initials: number, isMeant: (lower: string) => boolean): boolean {
    const list = this.#list;
    if (list === undefined) {
      return (
        ((this.#initials & initials) !== 0 && someNameIn(this.#lines, initials, isMeant)) ||
        ((this.#addedInitials & initials) !== 0 && someNameIn(this.#added, initials, isMeant))
      );
    }
    for (let i = 0; i < list.length; i += 3) if (isMeant(list[i] as string)) return true;
    return false;
  }

  /** The first value of a field, or undefined. */
  get(name: string): string | undefined {
    const list = this.#list;
    if (list === undefined)
      return valueIn(this.#lines, this.#initials, name) ?? valueIn(this.#added, this.#addedInitials, name);
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) return list[i + 2];
    return undefined;
  }

  /** Every value of a field, in order. */
  getAll(name: string): string[] {
    const values: string[] = [];
    if (!this.has(name)) return values;
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) values.push(list[i + 2] as string);
    return values;
  }

  /** Whether there are several fields of that name. */
  repeats(name: string): boolean {
    const list = this.#list;
    let count = 0;
    if (list === undefined) {
      count += occurrences(this.#lines, this.#initials, name);
      count += occurrences(this.#added, this.#addedInitials, name);
    } else {
      for (let i = 0; i < list.length; i += 3) if (list[i] === name) count++;
    }
    return count > 1;
  }

  has(name: string): boolean {
    const list = this.#list;
    if (list === undefined) {
      return (
        find(this.#lines, this.#initials, name, true) >= 0 ||
        find(this.#added, this.#addedInitials, name, true) >= 0
      );
    }
    for (let i = 0; i < list.length; i += 3) if (list[i] === name) return true;
    return false;
  }

  /** Adds a field. Throws TypeError when name or value could not stand in a message. */
  append(name: string, value: string): void {
    if (!TOKEN.test(name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`);
    if (!VALUE.test(value)) throw new TypeError(`not a value for the field ${name}`);
    this.push(name.toLowerCase(), name, value);
  }

  /** Replaces every field of that name by one, in the place of the first. Throws as `append` does. */
  set(name: string, value: string): void {
    const lower = name.toLowerCase();
    if (!this.has(lower)) return this.append(name, value);
    if (!VALUE.test(value)) throw new TypeError(`not a value for the field ${name}`);
    this.#replace(lower, value);
  }

  /** Adds a field that the caller knows to be well-formed; `lower` is `name` in small letters. */
  push(lower: string, name: string, value: string): void {
    if (this.#list !== undefined) {
      this.#list.push(lower, name, value);
      return;
    }
    this.#added += `${name}: ${value}\r\n`;
    this.#addedInitials |= initialBit(lower.charCodeAt(0));
  }

  /** Adds fields of lines that are as `ofLines` takes them. */
  pushLines(lines: string, initials: number): void {
    if (this.#list !== undefined) {
      this.pushAll(Fields.ofLines(lines, initials));
      return;
    }
    this.#added += lines;
    this.#addedInitials |= initials;
  }

  /** The same fields as one text of their own, to be kept and added to many others by `pushAll`. */
  kept(): Fields {
    return Fields.ofLines(keptText(this.toLines()), this.#initials | this.#addedInitials);
  }

  /** Adds all fields of another. */
  pushAll(other: Fields): void {
    if (this.#list === undefined && other.#list === undefined) {
      this.#added += other.toLines();
      this.#addedInitials |= other.#initials | other.#addedInitials;
      return;
    }
    const list = this.#list ?? this.#split();
    for (const part of other.list) list.push(part);
  }

  /** As `set`, for a field that the caller knows to be well-formed; `lower` is `name` in small letters. */
  put(lower: string, name: string, value: string): void {
    if (this.has(lower)) this.#replace(lower, value);
    else this.push(lower, name, value);
  }

  /** Each field of that name has the value that `change` makes of its own, which is well-formed; where that is empty, the field goes. */
  edit(name: string, change: (value: string) => string): void {
    const list = this.#list;
    if (list === undefined) {
      this.#lines = edited(this.#lines, this.#initials, name, change);
      this.#added = edited(this.#added, this.#addedInitials, name, change);
      return;
    }
    let isEmptied = false;
    for (let i = 0; i < list.length; i += 3) {
      if (list[i] !== name) continue;
      const value = change(list[i + 2] as string);
      list[i + 2] = value;
      isEmptied ||= value === '';
    }
    if (isEmptied) this.retain((lower, value) => lower !== name || value !== '');
  }

  delete(name: string): boolean {
    const list = this.#list;
    if (list !== undefined) {
      const { length } = list;
      this.#remove(list, name, 0);
      return list.length < length;
    }
    // One field is mostly all that goes: to cut it out costs a tenth of taking the lines apart.
    const lines = without(this.#lines, this.#initials, name);
    const added = without(this.#added, this.#addedInitials, name);
    const isDeleted = lines !== this.#lines || added !== this.#added;
    this.#lines = lines;
    this.#added = added;
    return isDeleted;
  }

  /**
   * Removes the fields of these names, in small letters, that were added: for names that no field has that came in a message. `initials` are
   * the `initialBit`s of the names.
   */
  deleteAdded(names: readonly string[], initials: number): void {
    if (this.#list === undefined && (this.#addedInitials & initials) === 0) return;
    for (const name of names) {
      if (this.#list !== undefined || find(this.#added, this.#addedInitials, name, true) >= 0)
        this.delete(name);
    }
  }

  /** Removes the fields that `keep` does not want; it is given the name in small letters and the value. */
  retain(keep: (lower: string, value: string) => boolean): void {
    const list = this.#list ?? this.#split();
    const kept: string[] = [];
    for (let i = 0; i < list.length; i += 3) {
      if (keep(list[i] as string, list[i + 2] as string))
        kept.push(list[i] as string, list[i + 1] as string, list[i + 2] as string);
    }
    this.#list = kept;
  }

  clear(): void {
    this.#lines = '';
    this.#initials = 0;
    this.#added = '';
    this.#addedInitials = 0;
    this.#list = undefined;
  }

  clone(): Fields {
    if (this.#list !== undefined) return new Fields(this.#list.slice());
    const copy = Fields.ofLines(this.#lines, this.#initials);
    copy.#added = this.#added;
    copy.#addedInitials = this.#addedInitials;
    return copy;
  }

  /** As they are sent: a line each, with its CR LF. */
  toLines(): string {
    const list = this.#list;
    if (list === undefined) return this.#lines + this.#added;
    let text = '';
    for (let i = 0; i < list.length; i += 3) text += `${list[i + 1]}: ${list[i + 2]}\r\n`;
    return text;
  }

  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    const list = this.list;
    for (let i = 0; i < list.length; i += 3) yield [list[i] as string, list[i + 2] as string];
  }

  #split(): string[] {
    const lines = this.#lines + this.#added;
    const list: string[] = [];
    for (let at = 0; at < lines.length; ) {
      const colon = lines.indexOf(':', at);
      const end = lines.indexOf('\r', colon);
      if (colon < 0 || end < 0) break;
      const name = lines.slice(at, colon);
      list.push(name.toLowerCase(), name, lines.slice(colon + 2, end));
      at = end + 2;
    }
    this.#lines = '';
    this.#added = '';
    this.#list = list;
    return list;
  }

  #replace(lower: string, value: string): void {
    const list = this.#list ?? this.#split();
    for (let i = 0; i < list.length; i += 3) {
      if (list[i] !== lower) continue;
      list[i + 2] = value;
      this.#remove(list, lower, i + 3);
      return;
    }
  }

  #remove(list: string[], name: string, from: number): void {
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

/** Where in field lines, from the line that begins at `from`, the first field of that name begins, or of a name that begins so; else -1. */
function find(lines: string, initials: number, name: string, whole: boolean, from = 0): number {
  const initial = name.charCodeAt(0);
  if ((initials & initialBit(initial)) === 0) return -1;
  const length = name.length;
  for (let at = from; at < lines.length; at = lines.indexOf('\n', at) + 1) {
    // The first letters and the colon decide mostly; the rest is compared only where they agree.
    if ((lines.charCodeAt(at) & 31) !== (initial & 31)) continue;
    if (whole && lines.charCodeAt(at + length) !== COLON) continue;
    if (isNameAt(lines, at, name)) return at;
  }
  return -1;
}

/** Whether the letters from there are those of the name, which is in small ones. To compare them one by one makes no text that is thrown away. */
function isNameAt(lines: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const letter = name.charCodeAt(i);
    const code = lines.charCodeAt(at + i);
    if (code !== letter && (code + 32 !== letter || letter < 0x61 || letter > 0x7a)) return false;
  }
  return true;
}

/** The lines without those of that name. */
function without(lines: string, initials: number, name: string): string {
  let left = lines;
  for (let at = find(left, initials, name, true); at >= 0; at = find(left, initials, name, true, at))
    left = left.slice(0, at) + left.slice(left.indexOf('\n', at) + 1);
  return left;
}

/** The lines with other values of that name. To cut a value out costs a tenth of taking the lines apart. */
function edited(lines: string, initials: number, name: string, change: (value: string) => string): string {
  let left = lines;
  for (let at = find(left, initials, name, true); at >= 0; at = find(left, initials, name, true, at)) {
    const from = at + name.length + 2;
    const to = left.indexOf('\r', at);
    const value = left.slice(from, to);
    const changed = change(value);
    if (changed === '') {
      left = left.slice(0, at) + left.slice(to + 2);
      continue;
    }
    if (changed !== value) left = left.slice(0, from) + changed + left.slice(to);
    at = from + changed.length + 2;
  }
  return left;
}

function someNameIn(lines: string, initials: number, isMeant: (lower: string) => boolean): boolean {
  for (let at = 0; at < lines.length; at = lines.indexOf('\n', at) + 1) {
    if ((initialBit(lines.charCodeAt(at)) & initials) === 0) continue;
    if (isMeant(lines.slice(at, lines.indexOf(':', at)).toLowerCase())) return true;
  }
  return false;
}

function occurrences(lines: string, initials: number, name: string): number {
  let count = 0;
  for (let at = find(lines, initials, name, true); at >= 0; count++)
    at = find(lines, initials, name, true, lines.indexOf('\n', at) + 1);
  return count;
}

function valueIn(lines: string, initials: number, name: string): string | undefined {
  const at = find(lines, initials, name, true);
  return at < 0 ? undefined : lines.slice(at + name.length + 2, lines.indexOf('\r', at));
}
