import type { TextChild, TextNode } from './place.ts';

export interface JsonFault {
  readonly offset: number;
  readonly message: string;
}

/** Deeper nesting is refused: nothing in a configuration comes near it. */
export const MAX_DEPTH = 64;

const string = () => /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalar = () => /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null/y;
const NO_RANGE = { start: 0, end: 0, children: undefined } as const;

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | ({ readonly ok: false } & JsonFault);

/** Reads JSON (RFC 8259). A repeated key, `__proto__` as a key and more than `MAX_DEPTH` levels are faults. */
export function readJson(text: string): JsonResult {
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    // JSON.parse keeps the last of equal keys: fewer keys in the value than in the text tells of them, in half the time of a scan.
    if (countKeys(value, 0) === countColons(text)) return { ok: true, value };
  } catch {
    // The scan below tells what is wrong and where.
  }
  const { fault } = scanJson(text, false);
  return { ok: false, ...(fault ?? { offset: 0, message: 'cannot be read' }) };
}

/** NaN, which equals nothing, for what is refused. */
function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= MAX_DEPTH) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const entry of value) count += countKeys(entry, depth + 1);
    return count;
  }
  if (Object.hasOwn(value, '__proto__')) return Number.NaN;
  for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key], depth + 1);
  return count;
}

/** Colons outside strings of a text that is known to be JSON. */
function countColons(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3a) count++;
    if (code !== 0x22) continue;
    do {
      at = text.indexOf('"', at + 1);
    } while (isEscaped(text, at));
  }
  return count;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 1;
}

/**
 * Reads JSON (RFC 8259) for what `JSON.parse` does not tell: where a syntax error is, that a key is repeated, and, when
 * `ranges` is set, where each value stands.
 */
export function scanJson(
  text: string,
  ranges: boolean,
): { readonly root: TextNode; readonly fault: JsonFault | undefined } {
  const scanner = new JsonScanner(text, ranges);
  const root = scanner.value(0);
  if (scanner.fault === undefined) {
    scanner.space();
    if (scanner.at < text.length) scanner.fail('expected the end of the file');
  }
  return { root, fault: scanner.fault };
}

class JsonScanner {
  at = 0;
  fault: JsonFault | undefined;
  readonly #text: string;
  readonly #ranges: boolean;
  readonly #string = string();
  readonly #scalar = scalar();

  constructor(text: string, ranges: boolean) {
    this.#text = text;
    this.#ranges = ranges;
    if (text.charCodeAt(0) === 0xfeff) this.at = 1;
  }

  fail(message: string, offset = this.at): TextNode {
    this.fault ??= { offset, message };
    return NO_RANGE;
  }

  space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  value(depth: number): TextNode {
    this.space();
    if (depth >= MAX_DEPTH && this.#opens()) return this.fail(`is nested deeper than ${MAX_DEPTH} levels`);
    const code = this.#text.charCodeAt(this.at);
    if (code === 0x7b) return this.#collection(depth, '}');
    if (code === 0x5b) return this.#collection(depth, ']');
    const start = this.at;
    const pattern = code === 0x22 ? this.#string : this.#scalar;
    pattern.lastIndex = start;
    if (!pattern.test(this.#text)) return this.fail(this.#whatIsWrong());
    this.at = pattern.lastIndex;
    return this.#ranges ? { start, end: this.at, children: undefined } : NO_RANGE;
  }

  #opens(): boolean {
    const char = this.#text[this.at];
    return char === '{' || char === '[';
  }

  #whatIsWrong(): string {
    const char = this.#text[this.at];
    if (char === undefined) return 'the file ends too early: a value is missing';
    if (char === '"') return 'this string is not closed or holds a bad escape';
    if (char === "'") return 'strings are written in double quotes';
    if (char === '/') return 'JSON has no comments';
    if (char === '}' || char === ']' || char === ',') return `expected a value before ${char}`;
    return 'expected a value';
  }

  #collection(depth: number, close: '}' | ']'): TextNode {
    const start = this.at++;
    const isMap = close === '}';
    const children = this.#ranges ? new Map<string, TextChild>() : undefined;
    const names = isMap ? new Set<string>() : undefined;
    this.space();
    if (this.#text[this.at] === close) {
      this.at++;
      return { start, end: this.at, children };
    }
    for (let index = 0; ; index++) {
      let name = '';
      let key: { start: number; end: number } | undefined;
      if (names !== undefined) {
        this.space();
        const keyStart = this.at;
        const read = this.#key();
        if (read === undefined) return NO_RANGE;
        if (names.has(read)) return this.fail(`the key ${JSON.stringify(read)} is there twice`, keyStart);
        if (read === '__proto__') return this.fail('this name is not allowed', keyStart);
        names.add(read);
        name = read;
        key = { start: keyStart, end: this.at };
        this.space();
        if (this.#text[this.at] !== ':') return this.fail('expected : after the key');
        this.at++;
      }
      const node = this.value(depth + 1);
      if (this.fault !== undefined) return NO_RANGE;
      children?.set(isMap ? name : String(index), { key, node });
      this.space();
      const char = this.#text[this.at];
      if (char === close) {
        this.at++;
        return { start, end: this.at, children };
      }
      if (char !== ',')
        return this.fail(
          char === undefined ? `the file ends too early: ${close} is missing` : `expected , or ${close}`,
        );
      const comma = this.at++;
      this.space();
      if (this.#text[this.at] === close) return this.fail(`no comma before ${close}`, comma);
    }
  }

  #key(): string | undefined {
    this.#string.lastIndex = this.at;
    if (!this.#string.test(this.#text)) {
      const char = this.#text[this.at];
      this.fail(
        char === undefined
          ? 'the file ends too early: } is missing'
          : char === '/'
            ? 'JSON has no comments'
            : 'expected a key in double quotes',
      );
      return undefined;
    }
    const raw = this.#text.slice(this.at, this.#string.lastIndex);
    this.at = this.#string.lastIndex;
    return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  }
}
