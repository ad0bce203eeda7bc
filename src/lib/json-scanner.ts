import { pointerStep } from './json-pointer.ts';
import {
  BACKSLASH,
  escapeLength,
  isCutEscape,
  isDigit,
  isWholeNumber,
  MINUS,
  mayRepeat,
  Part,
  partAfter,
  QUOTE,
  skipSpace,
} from './json-tokens.ts';
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
  /** Octets of one string, as it is written; keys are strings too. A number may have as many, and 1000 in any case. */
  readonly string: number;
}

export type JsonFaultKind =
  | 'syntax'
  | 'depth'
  | 'keys'
  | 'items'
  | 'values'
  | 'string'
  /** A number is larger than any double, so that it would be read as infinite and be held against nothing, or longer than a string may be. */
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

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NOTHING = Buffer.alloc(0);
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** From this size on the keys of an object are looked up in a set; below, comparing their octets is quicker. */
const MANY_KEYS = 12;
/** A number of so many octets without an exponent is a double for certain. */
const OCTETS_OF_DOUBLES = 308;
/** So long a number may be, however short strings have to be. */
const OCTETS_OF_NUMBERS = 1000;
/** Octets of `"__proto__"` and of `"prototype"`. */
const LENGTH_OF_BOTH = 11;
/** No position: the text is wrong, or goes on with the next piece. */
const STOP = -1;

/** What comes next. */
const State = {
  value: 0,
  /** After `[`: the first value, or the end. */
  firstItem: 1,
  item: 2,
  firstKey: 3,
  key: 4,
  colon: 5,
  /** After a value: what goes on or ends what it stands in. */
  after: 6,
  /** The rest of what has begun. */
  keyRest: 7,
  stringRest: 8,
  numberRest: 9,
} as const;
type State = (typeof State)[keyof typeof State];

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
 * `constructor`. A text may come in pieces, and however it does, the verdict is the same. One instance reads one text after the other.
 */
export class JsonScanner {
  readonly #limits: JsonLimits;
  readonly #levels: Level[] = [];
  #data: Buffer = NOTHING;
  #depth = 0;
  #keys = 0;
  #values = 0;
  #fault: JsonFault | undefined;
  #state: State = State.value;
  /** How far the text was read. */
  #at = 0;
  /** Where the string or number at hand begins. */
  #start = 0;
  /** Of the string at hand: until now it is ASCII without escapes. */
  #isPlain = true;
  #part: Part = Part.sign;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  /** A whole text. */
  scan(data: Buffer): JsonFault | undefined {
    this.begin();
    return this.read(data, true);
  }

  /** Another text. */
  begin(): void {
    this.#depth = 0;
    this.#keys = 0;
    this.#values = 0;
    this.#fault = undefined;
    this.#state = State.value;
    this.#at = 0;
  }

  /** Reads on: `data` is what there is of the text until now, from its beginning. Once it is wrong it stays wrong. */
  read(data: Buffer, isWhole: boolean): JsonFault | undefined {
    if (this.#fault !== undefined) return this.#fault;
    this.#data = data;
    this.#readOn(data, isWhole);
    this.#data = NOTHING;
    if (isWhole || this.#fault !== undefined) for (const level of this.#levels) level.known = undefined;
    return this.#fault;
  }

  #readOn(data: Buffer, isWhole: boolean): void {
    let at = this.#at;
    while (at !== STOP) {
      if (this.#state >= State.keyRest) at = this.#rest(data, at, isWhole);
      else {
        // White space is rare, and most of all between two tokens of a machine's.
        if (at < data.length && (data[at] as number) <= 0x20) at = skipSpace(data, at);
        if (at >= data.length && (!isWhole || this.#isEnd())) {
          this.#at = at;
          return;
        }
        at = this.#step(data, at, isWhole);
      }
    }
  }

  /** All that was begun has ended. */
  #isEnd(): boolean {
    return this.#depth === 0 && this.#state === State.after;
  }

  /** Reads what stands there, after white space; past the end there is nothing, which is wrong. */
  #step(data: Buffer, at: number, isWhole: boolean): number {
    // What is most frequent comes first.
    switch (this.#state) {
      case State.after:
        return this.#after(data, at, isWhole);
      case State.value:
        return this.#value(data, at, isWhole);
      case State.key:
        return this.#key(data, at, isWhole);
      case State.item:
        return this.#item(data, at, isWhole);
      case State.firstItem:
        return data[at] === CLOSE_LIST ? this.#close(at) : this.#item(data, at, isWhole);
      case State.firstKey:
        return data[at] === CLOSE_OBJECT ? this.#close(at) : this.#key(data, at, isWhole);
      default:
        if (data[at] !== COLON) return this.#fail('syntax', at);
        this.#state = State.value;
        return at + 1;
    }
  }

  #rest(data: Buffer, at: number, isWhole: boolean): number {
    switch (this.#state) {
      case State.keyRest:
        return this.#keyRest(data, at, isWhole);
      case State.stringRest:
        return this.#stringRest(data, at, isWhole);
      default:
        return this.#numberRest(data, at, isWhole);
    }
  }

  #value(data: Buffer, at: number, isWhole: boolean): number {
    const octet = data[at];
    if (octet === QUOTE) {
      this.#start = at;
      this.#isPlain = true;
      this.#state = State.stringRest;
      return this.#stringRest(data, at + 1, isWhole);
    }
    if (octet === OPEN_OBJECT || octet === OPEN_LIST) {
      if (this.#depth >= this.#limits.depth) return this.#fail('depth', at);
      const isObject = octet === OPEN_OBJECT;
      this.#open(isObject);
      this.#state = isObject ? State.firstKey : State.firstItem;
      return at + 1;
    }
    if (octet === MINUS || isDigit(octet)) {
      this.#start = at;
      this.#part = Part.sign;
      this.#state = State.numberRest;
      return this.#numberRest(data, octet === MINUS ? at + 1 : at, isWhole);
    }
    if (octet === TRUE[0]) return this.#literal(data, at, TRUE, isWhole);
    if (octet === FALSE[0]) return this.#literal(data, at, FALSE, isWhole);
    if (octet === NULL[0]) return this.#literal(data, at, NULL, isWhole);
    return this.#fail('syntax', at);
  }

  #after(data: Buffer, at: number, isWhole: boolean): number {
    if (this.#depth === 0) return this.#fail('syntax', at);
    const level = this.#levels[this.#depth - 1] as Level;
    const octet = data[at];
    if (octet === COMMA) {
      level.index++;
      this.#state = level.isObject ? State.key : State.item;
      // Mostly the next one follows at once.
      const isNext = at + 1 < data.length && (data[at + 1] as number) > 0x20;
      if (!isNext) return at + 1;
      return level.isObject ? this.#key(data, at + 1, isWhole) : this.#item(data, at + 1, isWhole);
    }
    return octet === (level.isObject ? CLOSE_OBJECT : CLOSE_LIST)
      ? this.#close(at)
      : this.#fail('syntax', at);
  }

  #close(at: number): number {
    this.#depth--;
    this.#state = State.after;
    return at + 1;
  }

  #open(isObject: boolean): void {
    const level = (this.#levels[this.#depth++] ??= new Level());
    level.isObject = isObject;
    level.index = 0;
    level.count = 0;
    level.known = undefined;
  }

  /** A value of a list. */
  #item(data: Buffer, at: number, isWhole: boolean): number {
    const level = this.#levels[this.#depth - 1] as Level;
    if (level.index >= this.#limits.items) return this.#fail('items', at);
    if (++this.#values > this.#limits.values) return this.#fail('values', at);
    this.#state = State.value;
    return this.#value(data, at, isWhole);
  }

  #key(data: Buffer, at: number, isWhole: boolean): number {
    if (data[at] !== QUOTE) return this.#fail('syntax', at);
    if (++this.#keys > this.#limits.keys) return this.#fail('keys', at);
    this.#start = at;
    this.#isPlain = true;
    this.#state = State.keyRest;
    return this.#keyRest(data, at + 1, isWhole);
  }

  #keyRest(data: Buffer, from: number, isWhole: boolean): number {
    const end = this.#string(data, from, isWhole);
    if (end === STOP) return STOP;
    const start = this.#start;
    const level = this.#levels[this.#depth - 1] as Level;
    const isNew = this.#isNew(data, level, start, end);
    level.starts[level.count] = start;
    level.ends[level.count++] = end;
    if (!isNew) return this.#fail('duplicate', start);
    if (this.#changesPrototype(data, start, end)) return this.#fail('prototype', start);
    if (data[end] !== COLON) {
      this.#state = State.colon;
      return end;
    }
    this.#state = State.value;
    const isNext = end + 1 < data.length && (data[end + 1] as number) > 0x20;
    return isNext ? this.#value(data, end + 1, isWhole) : end + 1;
  }

  #stringRest(data: Buffer, from: number, isWhole: boolean): number {
    const end = this.#string(data, from, isWhole);
    if (end !== STOP) this.#state = State.after;
    return end;
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

  /** Position after the string at hand, of which it reads the rest. */
  #string(data: Buffer, from: number, isWhole: boolean): number {
    const longest = this.#start + this.#limits.string + 2;
    const last = Math.min(data.length, longest);
    let at = from;
    while (at < last) {
      const octet = data[at] as number;
      if (octet === QUOTE) return at + 1;
      if (octet < 0x20) return this.#fail('syntax', at);
      if (octet === BACKSLASH) {
        this.#isPlain = false;
        const length = escapeLength(data, at);
        if (length === 0)
          return isWhole || !isCutEscape(data, at) ? this.#fail('syntax', at) : this.#wait(at);
        at += length;
      } else {
        if (octet > 0x7f) this.#isPlain = false;
        at++;
      }
    }
    if (at >= longest) return this.#fail('string', at);
    return isWhole ? this.#fail('syntax', at) : this.#wait(at);
  }

  #numberRest(data: Buffer, from: number, isWhole: boolean): number {
    const longest = this.#start + Math.max(this.#limits.string, OCTETS_OF_NUMBERS);
    const last = Math.min(data.length, longest + 1);
    let at = from;
    while (at < last) {
      const next = partAfter(this.#part, data[at] as number);
      if (next === undefined) break;
      this.#part = next;
      at++;
      if (mayRepeat(next)) while (at < last && isDigit(data[at])) at++;
    }
    if (at > longest) return this.#fail('number', this.#start);
    if (at === data.length && !isWhole) return this.#wait(at);
    if (!isWholeNumber(this.#part)) return this.#fail('syntax', at);
    const mayBeInfinite = this.#part === Part.exponentDigits || at - this.#start > OCTETS_OF_DOUBLES;
    if (mayBeInfinite && !Number.isFinite(Number(latin1(data, this.#start, at))))
      return this.#fail('number', this.#start);
    this.#state = State.after;
    return at;
  }

  #literal(data: Buffer, at: number, literal: Buffer, isWhole: boolean): number {
    for (let i = 1; i < literal.length; i++) {
      if (at + i >= data.length && !isWhole) return this.#wait(at);
      if (data[at + i] !== literal[i]) return this.#fail('syntax', at + i);
    }
    this.#state = State.after;
    return at + literal.length;
  }

  /** The text goes on there, with the next piece. */
  #wait(at: number): typeof STOP {
    this.#at = at;
    return STOP;
  }

  #fail(kind: JsonFaultKind, offset: number): typeof STOP {
    const data = this.#data;
    const steps = this.#levels
      .slice(0, this.#depth)
      .map((level) => (level.isObject ? lastKey(data, level) : String(level.index)));
    this.#fault ??= { kind, offset: Math.min(offset, data.length), pointer: pointerOf(steps) };
    return STOP;
  }
}

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
