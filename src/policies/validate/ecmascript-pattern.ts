import { type CodePointRange, codePointsOf, complement, EVERY_CODE_POINT, joined } from './code-points.ts';

/** Of one repetition, and of those within each other multiplied: RE2's own bound. */
const MAX_REPEAT = 1000;
/** Characters of a pattern with all repetitions written out: each may take a step for each character of a text. */
const MAX_WEIGHT = 10_000;
const MAX_DEPTH = 200;

const DIGITS: readonly CodePointRange[] = [[0x30, 0x39]];
const WORD: readonly CodePointRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const LINE_ENDS: readonly CodePointRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
/** WhiteSpace and LineTerminator of ECMA-262 sections 12.2 and 12.3. */
const SPACE: readonly CodePointRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const CLASSES: Readonly<Record<string, readonly CodePointRange[]>> = {
  d: DIGITS,
  D: complement(DIGITS),
  s: SPACE,
  S: complement(SPACE),
  w: WORD,
  W: complement(WORD),
};
const CONTROLS: Readonly<Record<string, number>> = { f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b };

const QUANTIFIER = /[*+?]|\{(\d+)(,?)(\d*)\}/y;
const PROPERTY = /\{([A-Za-z0-9_=]+)\}/y;
/** Behind `\u`: a pair of surrogates is one character. */
const UNICODE =
  /\{([0-9A-Fa-f]+)\}|([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})|([0-9A-Fa-f]{4})/y;
const HEX = /[0-9A-Fa-f]{2}/y;
const NAME = /\?<[^=!>][^>]*>/y;

/** A part of a pattern as RE2 writes it. */
interface Part {
  readonly text: string;
  /** The largest number of repetitions within each other. */
  readonly repeat: number;
  readonly weight: number;
}

const NOTHING: Part = { text: '', repeat: 1, weight: 1 };

/**
 * A regular expression of ECMAScript, as with the flag `u`, in the syntax of RE2, such that it is found in the same texts. Every set of
 * characters is spelled out, since the two do not agree on `.`, `\s` and the properties of Unicode. Throws an Error that says what RE2
 * cannot do: look-around, back references, and very many repetitions.
 */
export function toRe2(pattern: string): string {
  checkSyntax(pattern);
  return new Translation(pattern).whole();
}

/** Many documents escape what needs no escape, which is an error only with the flag `u`: that is let through where it says the same. */
function checkSyntax(pattern: string): void {
  try {
    RegExp(pattern, 'u');
  } catch (error) {
    if (/\\(?:[pP]|u\{)/.test(pattern)) throw error;
    RegExp(pattern);
  }
}

class Translation {
  readonly #pattern: string;
  readonly #properties = new Map<string, readonly CodePointRange[]>();
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  whole(): string {
    return this.#alternatives().text;
  }

  #alternatives(): Part {
    if (++this.#depth > MAX_DEPTH) throw new Error(`has more than ${MAX_DEPTH} groups within each other`);
    let all = this.#sequence();
    while (this.#skip('|')) {
      const { text, repeat, weight } = this.#sequence();
      all = light({
        text: `${all.text}|${text}`,
        repeat: Math.max(all.repeat, repeat),
        weight: all.weight + weight,
      });
    }
    this.#depth--;
    return all;
  }

  #sequence(): Part {
    const parts: Part[] = [NOTHING];
    while (this.#at < this.#pattern.length && !this.#sees('|') && !this.#sees(')'))
      parts.push(this.#quantified(this.#atom()));
    return light({
      text: parts.map(({ text }) => text).join(''),
      repeat: Math.max(...parts.map(({ repeat }) => repeat)),
      weight: parts.reduce((sum, { weight }) => sum + weight, 0),
    });
  }

  #quantified(atom: Part): Part {
    const [sign, least, comma, most] = this.#match(QUANTIFIER) ?? [];
    if (sign === undefined) return atom;
    // Lazily or not, the same texts match.
    this.#skip('?');
    if (least === undefined) return { ...atom, text: atom.text + sign };
    return repeated(atom, Number(least), comma === '' ? Number(least) : most ? Number(most) : undefined);
  }

  #atom(): Part {
    if (this.#skip('(')) return this.#group();
    if (this.#skip('[')) return set(this.#class());
    if (this.#skip('.')) return set(complement(LINE_ENDS));
    if (this.#skip('^')) return { ...NOTHING, text: '\\A' };
    if (this.#skip('$')) return { ...NOTHING, text: '\\z' };
    if (this.#skip('\\b')) return { ...NOTHING, text: '\\b' };
    if (this.#skip('\\B')) return { ...NOTHING, text: '\\B' };
    const { ranges } = this.#skip('\\') ? this.#escape() : this.#character();
    return set(ranges);
  }

  #group(): Part {
    if (this.#skip('?=') || this.#skip('?!')) throw new Error('has a look-ahead, (?= or (?!');
    if (this.#skip('?<=') || this.#skip('?<!')) throw new Error('has a look-behind, (?<= or (?<!');
    // Nobody asks what was captured.
    if (this.#match(NAME) === undefined && !this.#skip('?:') && this.#sees('?'))
      throw new Error('has flags within it, as (?i:');
    const inner = this.#alternatives();
    this.#skip(')');
    return { ...inner, text: `(?:${inner.text})` };
  }

  #class(): readonly CodePointRange[] {
    const isNegated = this.#skip('^');
    const ranges: CodePointRange[] = [];
    while (!this.#skip(']')) {
      const from = this.#classMember();
      const dash = this.#at;
      if (!this.#skip('-')) {
        ranges.push(...from.ranges);
        continue;
      }
      // A dash before the end stands for itself, and so does one beside a class such as \w.
      const to = this.#sees(']') ? undefined : this.#classMember();
      if (from.code !== undefined && to?.code !== undefined) ranges.push([from.code, to.code]);
      else {
        ranges.push(...from.ranges);
        this.#at = dash + 1;
        ranges.push([0x2d, 0x2d]);
      }
    }
    return isNegated ? complement(ranges) : ranges;
  }

  #classMember(): Member {
    if (this.#skip('\\b')) return one(0x08);
    return this.#skip('\\') ? this.#escape() : this.#character();
  }

  #character(): Member & { readonly code: number } {
    const code = this.#pattern.codePointAt(this.#at) as number;
    this.#at += code > 0xffff ? 2 : 1;
    return one(code);
  }

  /** What stands behind a backslash. */
  #escape(): Member {
    const { code } = this.#character();
    const letter = String.fromCodePoint(code);
    const ranges = CLASSES[letter];
    if (ranges !== undefined) return { code: undefined, ranges };
    const control = CONTROLS[letter];
    if (control !== undefined) return one(control);
    switch (letter) {
      case 'p':
        return { code: undefined, ranges: this.#property() };
      case 'P':
        return { code: undefined, ranges: complement(this.#property()) };
      case 'u': {
        const [, braced, high, low, plain] = this.#match(UNICODE) ?? [];
        if (high !== undefined && low !== undefined)
          return one(String.fromCharCode(hex(high), hex(low)).codePointAt(0) as number);
        const digits = braced ?? plain;
        if (digits !== undefined) return one(hex(digits));
        break;
      }
      case 'x': {
        const [digits] = this.#match(HEX) ?? [];
        if (digits !== undefined) return one(hex(digits));
        break;
      }
      case 'c':
        if (/[A-Za-z]/.test(this.#pattern[this.#at] ?? '')) return one(this.#character().code & 0x1f);
        break;
      case '0':
        if (!/\d/.test(this.#pattern[this.#at] ?? '')) return one(0);
        break;
      default:
        if (/[1-9k]/.test(letter)) throw new Error(`has a back reference, \\${letter}`);
        if (!/[A-Za-z]/.test(letter)) return one(code);
    }
    throw new Error(`has the escape \\${letter}, which means nothing here`);
  }

  #property(): readonly CodePointRange[] {
    const name = this.#match(PROPERTY)?.[1] as string;
    const ranges = this.#properties.get(name) ?? codePointsOf(name);
    this.#properties.set(name, ranges);
    return ranges;
  }

  #sees(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at);
  }

  #skip(text: string): boolean {
    const found = this.#sees(text);
    if (found) this.#at += text.length;
    return found;
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#pattern) ?? undefined;
    if (found !== undefined) this.#at = expression.lastIndex;
    return found;
  }
}

/** What may stand in a class: one character, or a set of its own. */
interface Member {
  readonly code: number | undefined;
  readonly ranges: readonly CodePointRange[];
}

function one(code: number): Member & { readonly code: number } {
  return { code, ranges: [[code, code]] };
}

function hex(digits: string): number {
  return Number.parseInt(digits, 16);
}

/** One character out of a set. */
function set(ranges: readonly CodePointRange[]): Part {
  const [first, ...others] = joined(ranges);
  const written = (code: number) => `\\x{${code.toString(16)}}`;
  const text =
    first === undefined
      ? `[^${EVERY_CODE_POINT.map(([from, to]) => `${written(from)}-${written(to)}`).join('')}]`
      : others.length === 0 && first[0] === first[1]
        ? written(first[0])
        : `[${[first, ...others].map(([from, to]) => `${written(from)}-${written(to)}`).join('')}]`;
  return { ...NOTHING, text };
}

/** `most` is undefined where there is no bound. Repetitions that RE2 does not take at once are written as several. */
function repeated(part: Part, least: number, most: number | undefined): Part {
  const times = Math.max(1, most ?? least);
  const { text } = part;
  const { weight } = light({ ...part, weight: part.weight * times });
  const block = Math.floor(MAX_REPEAT / part.repeat);
  const repeat = part.repeat * Math.min(times, block);
  const required =
    `${text}{${block}}`.repeat(Math.floor(least / block)) +
    (least % block > 0 ? `${text}{${least % block}}` : '');
  const rest = most === undefined ? `${text}*` : optional(text, most - least, block);
  return { text: `(?:${required}${rest})`, repeat, weight };
}

/** Up to so many: whole blocks first, so that there is one way only to count a text, or two. */
function optional(text: string, most: number, block: number): string {
  if (most === 0) return '';
  if (most <= block) return `${text}{0,${most}}`;
  return `(?:${text}{${block}}${optional(text, most - block, block)}|${text}{0,${block - 1}})`;
}

function light(part: Part): Part {
  if (part.weight > MAX_WEIGHT)
    throw new Error(`repeats too much: written out it has more than ${MAX_WEIGHT} characters`);
  return part;
}
