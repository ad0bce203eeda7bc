import { MAX_DEPTH } from './json.ts';
import type { Range, TextChild, TextNode } from './place.ts';

/**
 * The part of YAML 1.2 that configurations are written in: block maps and lists, lists and maps on one line, plain and quoted
 * scalars on one line, `|` blocks, comments. Anything else (anchors, tags, folded text, several documents, tabs, a mistake)
 * gives undefined, and the `yaml` package reads the file then. Here because that package takes seconds for 10,000
 * routes, where this takes a tenth of one; a test holds the two to equal results.
 */
export function readPlainYaml(
  text: string,
  ranges: boolean,
): { readonly value: unknown; readonly root: TextNode } | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    return new PlainYaml(text, ranges).document();
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

/** Tabs, carriage returns, other controls, line separators, surrogates, byte order marks: left to the full parser. */
const UNUSUAL = /[^\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;
const COULD_BE_NUMBER = /^[-+]?\.?(?:\d|inf|nan)/i;
const SIMPLE_NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?$/;
const BLOCK_PLAIN = () => /[A-Za-z0-9_./$+^~(;\u00a1-\ud7ff-][^\n]*/y;
const KEY_PLAIN = () => /[A-Za-z0-9_./$+^-][A-Za-z0-9_./$+^@=~()<>*{}-]*(?=:(?: |$))/my;
const FLOW_PLAIN = () =>
  /[A-Za-z0-9_./$+^-](?:[A-Za-z0-9_./$+^*@=;~%()<>-]|:(?=[A-Za-z0-9/*]))*(?: [A-Za-z0-9_./$+^*@=;~%()<>-]+)*/y;
const DOUBLE = () => /"(?:[^"\\\n]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SINGLE = () => /'(?:[^'\n]|'')*'/y;
const MAX_KEY = 200;

class NotPlain extends Error {}

interface Read {
  readonly value: unknown;
  readonly node: TextNode;
}

const NO_NODE: TextNode = { start: 0, end: 0, children: undefined };

class PlainYaml {
  readonly #text: string;
  readonly #ranges: boolean;
  readonly #blockPlain = BLOCK_PLAIN();
  readonly #keyPlain = KEY_PLAIN();
  readonly #flowPlain = FLOW_PLAIN();
  readonly #double = DOUBLE();
  readonly #single = SINGLE();
  /** Start of the first octet after the indentation of the current content line; text.length at the end. */
  #at = 0;
  /** Columns of white space before it; -1 at the end. */
  #indent = 0;

  constructor(text: string, ranges: boolean) {
    this.#text = text;
    this.#ranges = ranges;
  }

  document(): Read & { readonly root: TextNode } {
    this.#contentFrom(0);
    if (this.#indent === 0 && this.#text.startsWith('---', this.#at)) {
      const next = this.#at + 3;
      if (this.#text[next] !== '\n') throw new NotPlain();
      this.#contentFrom(next + 1);
    }
    if (this.#indent !== 0) throw new NotPlain();
    const read = this.#block(0, 0);
    if (this.#at < this.#text.length) throw new NotPlain();
    return { ...read, root: read.node };
  }

  /** Moves to the next line that has content, from the start of a line. */
  #contentFrom(lineStart: number): void {
    const text = this.#text;
    let at = lineStart;
    while (at < text.length) {
      const start = at;
      while (text.charCodeAt(at) === 0x20) at++;
      const code = text.charCodeAt(at);
      if (code === 0x23) {
        at = text.indexOf('\n', at);
        if (at === -1) break;
      }
      if (at >= text.length) break;
      if (text.charCodeAt(at) === 0x0a) {
        at++;
        continue;
      }
      // Ends of documents, directives.
      if (
        at === start &&
        (code === 0x25 || text.startsWith('...', at) || (lineStart > 0 && text.startsWith('---', at)))
      )
        throw new NotPlain();
      this.#at = at;
      this.#indent = at - start;
      return;
    }
    this.#at = text.length;
    this.#indent = -1;
  }

  /** What must follow a value on its line: white space, a comment. Moves to the next line with content. */
  #endLine(from: number): void {
    const text = this.#text;
    let at = from;
    while (text.charCodeAt(at) === 0x20) at++;
    if (at < text.length && text.charCodeAt(at) !== 0x0a) {
      if (text.charCodeAt(at) !== 0x23 || at === from) throw new NotPlain();
      at = text.indexOf('\n', at);
      if (at === -1) at = text.length;
    }
    this.#contentFrom(at + 1);
  }

  #isDash(at: number): boolean {
    if (this.#text.charCodeAt(at) !== 0x2d) return false;
    const next = this.#text.charCodeAt(at + 1);
    return next === 0x20 || next === 0x0a || Number.isNaN(next);
  }

  #block(indent: number, depth: number): Read {
    if (depth > MAX_DEPTH) throw new NotPlain();
    return this.#isDash(this.#at) ? this.#list(indent, depth) : this.#map(indent, depth);
  }

  #map(indent: number, depth: number): Read {
    const start = this.#at;
    let end = start;
    const value: Record<string, unknown> = {};
    const children = this.#ranges ? new Map<string, TextChild>() : undefined;
    while (this.#indent === indent) {
      if (this.#isDash(this.#at)) throw new NotPlain();
      const keyStart = this.#at;
      const [key, keyEnd] = this.#key(keyStart);
      if (key === '__proto__' || Object.hasOwn(value, key)) throw new NotPlain();
      const after = keyEnd + 1;
      const read = this.#valueAfter(after, indent, true, depth, keyStart);
      value[key] = read.value;
      end = read.node.end;
      children?.set(key, { key: { start: keyStart, end: keyEnd }, node: read.node });
    }
    if (this.#indent > indent) throw new NotPlain();
    return { value, node: this.#node(start, end, children) };
  }

  #list(indent: number, depth: number): Read {
    const start = this.#at;
    let end = start;
    const value: unknown[] = [];
    const children = this.#ranges ? new Map<string, TextChild>() : undefined;
    while (this.#indent === indent && this.#isDash(this.#at)) {
      const dash = this.#at;
      let at = dash + 1;
      while (this.#text.charCodeAt(at) === 0x20) at++;
      const column = indent + at - dash;
      let read: Read;
      if (this.#isDash(at) || this.#keyFits(at)) {
        // A map or a list that begins on the line of its dash: its entries stand in the column where it begins.
        this.#at = at;
        this.#indent = column;
        read = this.#block(column, depth + 1);
      } else {
        read = this.#valueAfter(dash + 1, indent, false, depth, dash);
      }
      children?.set(String(value.length), { key: undefined, node: read.node });
      value.push(read.value);
      end = read.node.end;
    }
    if (this.#indent > indent) throw new NotPlain();
    return { value, node: this.#node(start, end, children) };
  }

  /** The value after a colon or a dash: on the same line, or a block below it. */
  #valueAfter(from: number, indent: number, ofMap: boolean, depth: number, nullAt: number): Read {
    const text = this.#text;
    let at = from;
    while (text.charCodeAt(at) === 0x20) at++;
    const code = text.charCodeAt(at);
    if (at >= text.length || code === 0x0a || (code === 0x23 && at > from)) {
      this.#endLine(from);
      if (this.#indent > indent || (ofMap && this.#indent === indent && this.#isDash(this.#at)))
        return this.#block(this.#indent, depth + 1);
      return { value: null, node: this.#node(nullAt, from) };
    }
    if (code === 0x7c) return this.#literal(at, indent);
    let read: Read;
    if (code === 0x5b || code === 0x7b || code === 0x22 || code === 0x27) read = this.#flow(at, depth + 1);
    else read = this.#plain(at);
    this.#endLine(read.node.end);
    if (this.#indent > indent) throw new NotPlain();
    return read;
  }

  #plain(at: number): Read {
    this.#blockPlain.lastIndex = at;
    if (!this.#blockPlain.test(this.#text) || this.#isDash(at)) throw new NotPlain();
    let end = this.#blockPlain.lastIndex;
    const line = this.#text.slice(at, end);
    const comment = line.indexOf(' #');
    const raw = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
    if (raw.includes(': ') || raw.endsWith(':')) throw new NotPlain();
    end = at + raw.length;
    return { value: plainScalar(raw), node: this.#scalarNode(at, end) };
  }

  #keyFits(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    if (code === 0x22 || code === 0x27) {
      const end = this.#quotedEnd(at);
      return this.#text[end] === ':';
    }
    this.#keyPlain.lastIndex = at;
    return this.#keyPlain.test(this.#text);
  }

  #key(at: number): [key: string, end: number] {
    const code = this.#text.charCodeAt(at);
    let key: string;
    let end: number;
    if (code === 0x22 || code === 0x27) {
      end = this.#quotedEnd(at);
      key = unquote(this.#text.slice(at, end));
      const next = this.#text[end + 1];
      if (this.#text[end] !== ':' || (next !== ' ' && next !== '\n' && next !== undefined))
        throw new NotPlain();
    } else {
      this.#keyPlain.lastIndex = at;
      if (!this.#keyPlain.test(this.#text)) throw new NotPlain();
      end = this.#keyPlain.lastIndex;
      const raw = this.#text.slice(at, end);
      // A number or null as a key is written anew by the full parser: 0x10 becomes 16.
      const scalar = plainScalar(raw);
      if (String(scalar) !== raw || scalar === null) throw new NotPlain();
      key = raw;
    }
    if (end - at > MAX_KEY) throw new NotPlain();
    return [key, end];
  }

  #quotedEnd(at: number): number {
    const pattern = this.#text.charCodeAt(at) === 0x22 ? this.#double : this.#single;
    pattern.lastIndex = at;
    if (!pattern.test(this.#text)) throw new NotPlain();
    return pattern.lastIndex;
  }

  /** A list, a map or a scalar as it stands in a line. */
  #flow(at: number, depth: number): Read {
    if (depth > MAX_DEPTH) throw new NotPlain();
    const code = this.#text.charCodeAt(at);
    if (code === 0x5b) return this.#flowCollection(at, depth, false);
    if (code === 0x7b) return this.#flowCollection(at, depth, true);
    if (code === 0x22 || code === 0x27) {
      const end = this.#quotedEnd(at);
      return { value: unquote(this.#text.slice(at, end)), node: this.#scalarNode(at, end) };
    }
    this.#flowPlain.lastIndex = at;
    if (!this.#flowPlain.test(this.#text)) throw new NotPlain();
    const end = this.#flowPlain.lastIndex;
    const raw = this.#text.slice(at, end);
    if (raw === '-' || raw.startsWith('- ') || raw.startsWith('---')) throw new NotPlain();
    return { value: plainScalar(raw), node: this.#scalarNode(at, end) };
  }

  #flowCollection(start: number, depth: number, isMap: boolean): Read {
    const text = this.#text;
    const close = isMap ? 0x7d : 0x5d;
    const list: unknown[] = [];
    const map: Record<string, unknown> = {};
    const children = this.#ranges ? new Map<string, TextChild>() : undefined;
    let at = this.#skipSpaces(start + 1);
    while (text.charCodeAt(at) !== close) {
      let name = String(list.length);
      let key: Range | undefined;
      if (isMap) {
        const [read, keyEnd] = this.#key(at);
        if (read === '__proto__' || Object.hasOwn(map, read) || /[{}]/.test(read)) throw new NotPlain();
        name = read;
        key = { start: at, end: keyEnd };
        at = this.#skipSpaces(keyEnd + 1);
      }
      const read = this.#flow(at, depth + 1);
      if (isMap) map[name] = read.value;
      else list.push(read.value);
      children?.set(name, { key, node: read.node });
      at = this.#skipSpaces(read.node.end);
      const next = text.charCodeAt(at);
      if (next === close) break;
      if (next !== 0x2c) throw new NotPlain();
      const after = at + 1;
      at = this.#skipSpaces(after);
      if (at === after || text.charCodeAt(at) === close) throw new NotPlain();
    }
    return { value: isMap ? map : list, node: { start, end: at + 1, children } };
  }

  #skipSpaces(from: number): number {
    let at = from;
    while (this.#text.charCodeAt(at) === 0x20) at++;
    return at;
  }

  /** `|` and `|-`: the lines below that are indented further, as they are. */
  #literal(start: number, indent: number): Read {
    const text = this.#text;
    const header = /\|(-?) *\n/y;
    header.lastIndex = start;
    const match = header.exec(text);
    if (!match) throw new NotPlain();
    let at = header.lastIndex;
    let width = -1;
    const lines: string[] = [];
    while (at < text.length) {
      let end = text.indexOf('\n', at);
      if (end === -1) end = text.length;
      const first = this.#skipSpaces(at);
      const blank = first >= end;
      if (width === -1) {
        if (blank || first - at <= indent) throw new NotPlain();
        width = first - at;
      }
      if (blank && end - at <= width) lines.push('');
      else if (first - at >= width) lines.push(text.slice(at + width, end));
      else if (first - at > indent) throw new NotPlain();
      else break;
      at = end + 1;
    }
    if (width === -1) throw new NotPlain();
    while (lines.at(-1) === '') lines.pop();
    // A last line of white space alone, or no line end at the end of the file: left to the full parser.
    if (lines.at(-1)?.trim() === '' || at > text.length) throw new NotPlain();
    this.#contentFrom(Math.min(at, text.length));
    if (this.#indent > indent) throw new NotPlain();
    const value = lines.join('\n') + (match[1] === '-' ? '' : '\n');
    return { value, node: this.#scalarNode(start, at - 1) };
  }

  #scalarNode(start: number, end: number): TextNode {
    return { start, end, children: undefined };
  }

  #node(start: number, end: number, children?: ReadonlyMap<string, TextChild>): TextNode {
    return this.#ranges ? { start, end, children } : NO_NODE;
  }
}

/** A plain scalar by the core schema (YAML 1.2.2 section 10.3.2). Throws for numbers in unusual writing. */
function plainScalar(raw: string): unknown {
  switch (raw) {
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return null;
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
    default:
  }
  if (!COULD_BE_NUMBER.test(raw)) return raw;
  if (SIMPLE_NUMBER.test(raw)) return raw === '-0' ? -0 : Number(raw);
  // 10.0.0.1, 30s, 1.2.3: texts. What else begins like a number is left to the full parser.
  if (/^\d[\d.]*(?:[a-df-wyzA-DF-WYZ/:]|\.\d+\.)/.test(raw) && !/^0[ox]/.test(raw)) return raw;
  throw new NotPlain();
}

function unquote(quoted: string): string {
  if (quoted.charCodeAt(0) === 0x22)
    return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  return quoted.slice(1, -1).replaceAll("''", "'");
}
