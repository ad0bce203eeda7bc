import { pointerStep } from './json-pointer.ts';
import { latin1 } from './octets.ts';

/** Bounds of a JSON text (RFC 8259 section 9 lets a receiver set them). */
export interface JsonLimits {
  /** Lists and objects within each other. */
  readonly depth: number;
  /** Keys of all objects together. */
  readonly keys: number;
  /** Values of one list. */
  readonly items: number;
  /** Values of all lists together: lists within lists are no way to more. */
  readonly values: number;
  /** Octets of one string, as it is written; keys are strings too. */
  readonly string: number;
}

export type JsonFaultKind =
  | 'syntax'
  | 'depth'
  | 'keys'
  | 'items'
  | 'values'
  | 'string'
  /** A number is larger than any double: it would be read as infinite, and be held against nothing. */
  | 'number'
  /** A key stands twice in one object: two readers may take different values for it. */
  | 'duplicate'
  /** A key by which a careless reader changes the prototype of its objects. */
  | 'prototype';

export interface JsonFault {
  readonly kind: JsonFaultKind;
  /** From 0, in octets. */
  readonly offset: number;
  /** JSON Pointer (RFC 6901) to the value that could not be read. */
  readonly pointer: string;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** From this size on the keys of an object are looked up in a set; below, comparing their octets is quicker. */
const MANY_KEYS = 12;
/** A whole number of so many digits is a double for certain. */
const DIGITS_OF_DOUBLES = 308;
/** Octets of `"__proto__"` and of `"prototype"`. */
const LENGTH_OF_BOTH = 11;

/** What is open at one depth. */
class Level {
  isObject = false;
  /** Place of the value at hand, from 0. */
  index = 0;
  /** Keys of an object until now, by where they begin and end in the text, quotes included. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** How many of them there are: an array that is cut short gives its memory back, and has to ask for it again. */
  count = 0;
  /** What the keys are, once there are many of them or one is more than plain ASCII: then two may be written differently and be equal. */
  known: Set<string> | undefined = undefined;
}

/**
 * Reads JSON without making a value of it: one pass over the octets, which stops at the first that is wrong or too much. What it accepts
 * is what `JSON.parse` accepts, but for its limits, infinite numbers, keys that stand twice, `__proto__`, and `prototype` under
 * `constructor`. One instance reads one text after the other.
 */
export class JsonScanner {
  readonly #limits: JsonLimits;
  readonly #levels: Level[] = [];
  #data: Buffer = Buffer.alloc(0);
  #depth = 0;
  #keys = 0;
  #values = 0;
  #fault: JsonFault | undefined;
  /** Of the string read last: it is ASCII without escapes. */
  #isPlain = true;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  scan(data: Buffer): JsonFault | undefined {
    this.#data = data;
    this.#depth = 0;
    this.#keys = 0;
    this.#values = 0;
    this.#fault = undefined;
    const end = this.#read(data);
    if (end >= 0 && end < data.length) this.#fail('syntax', end);
    this.#data = NOTHING;
    for (const level of this.#levels) level.known = undefined;
    return this.#fault;
  }

  /** Position after the text and its white space; -1 after a fault. */
  #read(data: Buffer): number {
    let at = skipSpace(data, 0);
    for (;;) {
      at = this.#value(data, at);
      while (at >= 0) {
        at = skipSpace(data, at);
        if (this.#depth === 0) return at;
        const level = this.#levels[this.#depth - 1] as Level;
        const octet = data[at];
        if (octet === COMMA) {
          at = this.#next(data, level, skipSpace(data, at + 1));
          break;
        }
        if (octet !== (level.isObject ? CLOSE_OBJECT : CLOSE_LIST)) return this.#fail('syntax', at);
        this.#depth--;
        at++;
      }
      if (at < 0) return at;
    }
  }

  /** Reads a value that is no collection, or the beginning of one; an empty one to its end. */
  #value(data: Buffer, start: number): number {
    let at = start;
    for (;;) {
      const octet = data[at];
      if (octet === QUOTE) return this.#string(data, at);
      if (octet === OPEN_OBJECT || octet === OPEN_LIST) {
        const isObject = octet === OPEN_OBJECT;
        if (this.#depth >= this.#limits.depth) return this.#fail('depth', at);
        const level = this.#open(isObject);
        at = skipSpace(data, at + 1);
        if (data[at] === (isObject ? CLOSE_OBJECT : CLOSE_LIST)) {
          this.#depth--;
          return at + 1;
        }
        at = isObject ? this.#key(data, level, at) : this.#item(level, at);
        if (at < 0) return at;
        continue;
      }
      if (octet === MINUS || isDigit(octet)) return this.#number(data, at);
      if (octet === TRUE[0]) return this.#literal(data, at, TRUE);
      if (octet === FALSE[0]) return this.#literal(data, at, FALSE);
      if (octet === NULL[0]) return this.#literal(data, at, NULL);
      return this.#fail('syntax', at);
    }
  }

  #open(isObject: boolean): Level {
    const level = (this.#levels[this.#depth++] ??= new Level());
    level.isObject = isObject;
    level.index = 0;
    level.count = 0;
    level.known = undefined;
    return level;
  }

  /** After a comma. */
  #next(data: Buffer, level: Level, at: number): number {
    level.index++;
    return level.isObject ? this.#key(data, level, at) : this.#item(level, at);
  }

  /** Before a value of a list. */
  #item(level: Level, at: number): number {
    if (level.index >= this.#limits.items) return this.#fail('items', at);
    return ++this.#values > this.#limits.values ? this.#fail('values', at) : at;
  }

  /** Reads a key and its colon. */
  #key(data: Buffer, level: Level, at: number): number {
    if (data[at] !== QUOTE) return this.#fail('syntax', at);
    if (++this.#keys > this.#limits.keys) return this.#fail('keys', at);
    const end = this.#string(data, at);
    if (end < 0) return end;
    const isNew = this.#isNew(data, level, at, end);
    level.starts[level.count] = at;
    level.ends[level.count++] = end;
    if (!isNew) return this.#fail('duplicate', at);
    if (this.#changesPrototype(data, at, end)) return this.#fail('prototype', at);
    const colon = skipSpace(data, end);
    return data[colon] === COLON ? skipSpace(data, colon + 1) : this.#fail('syntax', colon);
  }

  #isNew(data: Buffer, level: Level, start: number, end: number): boolean {
    const { starts, ends, count } = level;
    if (level.known === undefined) {
      if (this.#isPlain && count < MANY_KEYS) return !isAmong(data, level, start, end);
      level.known = new Set();
      for (let i = 0; i < count; i++) level.known.add(textOf(data, starts[i] as number, ends[i] as number));
    }
    const before = level.known.size;
    return level.known.add(textOf(data, start, end)).size > before;
  }

  #changesPrototype(data: Buffer, start: number, end: number): boolean {
    if (this.#isPlain && end - start !== LENGTH_OF_BOTH) return false;
    const key = textOf(data, start, end);
    return key === '__proto__' || (key === 'prototype' && this.#isUnderConstructor(data));
  }

  #isUnderConstructor(data: Buffer): boolean {
    const outer = this.#levels[this.#depth - 2];
    return this.#depth >= 2 && outer?.isObject === true && lastKey(data, outer) === 'constructor';
  }

  #string(data: Buffer, start: number): number {
    const last = Math.min(data.length, start + this.#limits.string + 2);
    this.#isPlain = true;
    let at = start + 1;
    while (at < last) {
      const octet = data[at] as number;
      if (octet === QUOTE) return at + 1;
      if (octet < 0x20) return this.#fail('syntax', at);
      if (octet === BACKSLASH) {
        this.#isPlain = false;
        const length = escapeLength(data, at);
        if (length === 0) return this.#fail('syntax', at);
        at += length;
      } else {
        if (octet > 0x7f) this.#isPlain = false;
        at++;
      }
    }
    return this.#fail(last < data.length ? 'string' : 'syntax', at);
  }

  #number(data: Buffer, start: number): number {
    let at = data[start] === MINUS ? start + 1 : start;
    if (!isDigit(data[at])) return this.#fail('syntax', at);
    at = data[at] === 0x30 ? at + 1 : skipDigits(data, at);
    let mayBeInfinite = at - start > DIGITS_OF_DOUBLES;
    if (data[at] === DOT) {
      if (!isDigit(data[at + 1])) return this.#fail('syntax', at + 1);
      at = skipDigits(data, at + 1);
    }
    if (data[at] === 0x65 || data[at] === 0x45) {
      const sign = data[at + 1];
      at += sign === 0x2b || sign === MINUS ? 2 : 1;
      if (!isDigit(data[at])) return this.#fail('syntax', at);
      at = skipDigits(data, at);
      mayBeInfinite = true;
    }
    if (mayBeInfinite && !Number.isFinite(Number(latin1(data, start, at))))
      return this.#fail('number', start);
    return at;
  }

  #literal(data: Buffer, at: number, literal: Buffer): number {
    for (let i = 1; i < literal.length; i++)
      if (data[at + i] !== literal[i]) return this.#fail('syntax', at + i);
    return at + literal.length;
  }

  /** Returns -1. */
  #fail(kind: JsonFaultKind, offset: number): number {
    const data = this.#data;
    const steps = this.#levels
      .slice(0, this.#depth)
      .map((level) => (level.isObject ? lastKey(data, level) : String(level.index)));
    this.#fault ??= { kind, offset: Math.min(offset, data.length), pointer: pointerOf(steps) };
    return -1;
  }
}

const NOTHING = Buffer.alloc(0);

/** An object that has no key yet adds no step. */
function pointerOf(steps: readonly (string | undefined)[]): string {
  return steps
    .filter((step) => step !== undefined)
    .map(pointerStep)
    .join('');
}

/** Whether the octets of a key are those of one before. */
function isAmong(data: Buffer, { starts, ends, count }: Level, start: number, end: number): boolean {
  for (let i = 0; i < count; i++) {
    const other = starts[i] as number;
    if ((ends[i] as number) - other !== end - start) continue;
    let at = start + 1;
    while (at < end && data[at] === data[other + at - start]) at++;
    if (at === end) return true;
  }
  return false;
}

/** What a string between its quotes stands for. */
function textOf(data: Buffer, start: number, end: number): string {
  return JSON.parse(data.toString('utf8', start, end)) as string;
}

function lastKey(data: Buffer, { starts, ends, count }: Level): string | undefined {
  return count === 0 ? undefined : textOf(data, starts[count - 1] as number, ends[count - 1] as number);
}

function skipSpace(data: Buffer, from: number): number {
  let at = from;
  while (at < data.length) {
    const octet = data[at];
    if (octet !== 0x20 && octet !== 0x0a && octet !== 0x0d && octet !== 0x09) return at;
    at++;
  }
  return at;
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 0x30 && octet <= 0x39;
}

function skipDigits(data: Buffer, from: number): number {
  let at = from;
  while (isDigit(data[at])) at++;
  return at;
}

/** Octets of an escape sequence, 0 when it is none. */
function escapeLength(data: Buffer, at: number): number {
  switch (data[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75:
      for (let i = 2; i < 6; i++) if (!isHexDigit(data[at + i])) return 0;
      return 6;
    default:
      return 0;
  }
}

function isHexDigit(octet: number | undefined): boolean {
  if (octet === undefined) return false;
  const letter = octet | 0x20;
  return isDigit(octet) || (letter >= 0x61 && letter <= 0x66);
}
