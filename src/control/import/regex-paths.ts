import { parsePattern } from '../../routing/pattern.ts';

/** A path of a route that was made of a regular expression. */
export interface RegexPath {
  readonly path: string;
  /** It takes paths that the expression does not: a segment of any text where the expression wants digits. */
  readonly wider: boolean;
  /** It does not take paths that the expression takes: `/itemsX` where that ends in `/items` with anything behind. */
  readonly narrower: boolean;
  /** It takes the path without its last slash, too, which the expression does not: `/a` where that is `/a/.*`. */
  readonly bare: boolean;
}

/** A piece of an expression: text, one or more characters within a segment, or whatever follows, `some` if that is anything at all. */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'segment'; readonly name: string | undefined; readonly any: boolean }
  | { readonly kind: 'rest'; readonly some: boolean };

/** More ways to read an expression with choices are refused. */
const MAX_WAYS = 32;
const MAX_LENGTH = 2000;
const MAX_GROUPS = 20;

/** What stands for one or more characters of a segment, and whether it is any of them. */
const SEGMENTS: readonly (readonly [pattern: RegExp, any: boolean])[] = [
  [/^\[\^\/(?:\\?[?#])*\]\+/, true],
  [/^\[(?!\^)(?:[A-Za-z0-9_%.~@:+*-]|\\[dwsDW.\-_])+\](?:\+|\{\d+(?:,\d*)?\})/, false],
  [/^(?:\\[dw])(?:\+|\{\d+(?:,\d*)?\})/, false],
];
const REST = /^(?:\.\*\??|\.\+\??)/;

/**
 * The paths that take what a regular expression takes that is matched at the beginning of a path; undefined where it cannot be said with whole
 * segments, captures and a `/*` at the end. The expression is read and never run.
 */
export function pathsOfRegex(regex: string): RegexPath[] | undefined {
  if (regex.length > MAX_LENGTH) return undefined;
  const reader = new RegexReader(regex.startsWith('^') ? regex.slice(1) : regex);
  const ways = reader.alternatives();
  if (ways === undefined || !reader.isAtEnd) return undefined;
  const paths = new Map<string, RegexPath>();
  for (const way of ways) {
    const made = pathOf(way, reader.isClosed);
    if (made === undefined) return undefined;
    const known = paths.get(shapeOf(made.path));
    // Two ways to the same requests take what either does.
    if (known === undefined) paths.set(shapeOf(made.path), made);
    else
      paths.set(shapeOf(made.path), {
        ...known,
        wider: known.wider && made.wider,
        narrower: known.narrower && made.narrower,
        bare: known.bare && made.bare,
      });
  }
  return [...paths.values()];
}

function shapeOf(path: string): string {
  return path.replaceAll(/\{[^}]*\}/g, '{}');
}

class RegexReader {
  #rest: string;
  #groups = 0;
  /** Whether it ends in `$`. */
  isClosed = false;

  constructor(regex: string) {
    this.#rest = regex;
  }

  get isAtEnd(): boolean {
    return this.#rest === '';
  }

  /** Sequences with `|` between them, up to the end or a closing parenthesis. */
  alternatives(): Piece[][] | undefined {
    const all: Piece[][] = [];
    for (;;) {
      const ways = this.#sequence();
      if (ways === undefined) return undefined;
      all.push(...ways);
      if (all.length > MAX_WAYS) return undefined;
      if (!this.#rest.startsWith('|')) return all;
      // `^a|b$` is anchored on one side of each only.
      if (this.#groups === 0) return undefined;
      this.#take(1);
    }
  }

  #sequence(): Piece[][] | undefined {
    let ways: Piece[][] = [[]];
    for (;;) {
      if (this.#rest === '' || /^[|)]/.test(this.#rest)) return ways;
      if (this.#rest === '$') {
        this.isClosed = true;
        this.#take(1);
        return ways;
      }
      const next = this.#item();
      if (next === undefined) return undefined;
      ways = ways.flatMap((way) => next.map((pieces) => [...way, ...pieces]));
      if (ways.length > MAX_WAYS) return undefined;
    }
  }

  /** One character, class or group with its quantifier: the ways in which it can be. */
  #item(): Piece[][] | undefined {
    const group = /^\((?:\?:|\?P?<([A-Za-z_][A-Za-z0-9_]*)>)?(?!\?)/.exec(this.#rest);
    if (group !== null) return this.#group(group[0].length, group[1]);
    const rest = REST.exec(this.#rest);
    if (rest !== null) {
      this.#take(rest[0].length);
      return [[{ kind: 'rest', some: rest[0].startsWith('.+') }]];
    }
    for (const [pattern, any] of SEGMENTS) {
      const found = pattern.exec(this.#rest);
      if (found === null) continue;
      this.#take(found[0].length);
      return /^[?*+{]/.test(this.#rest) ? undefined : [[{ kind: 'segment', name: undefined, any }]];
    }
    const literal = /^(?:\\([/.\-_~@:+*$()&!,;=' ])|([A-Za-z0-9/_~@:&!,;='%-]))/.exec(this.#rest);
    if (literal === null) return undefined;
    this.#take(literal[0].length);
    return this.#quantified([[{ kind: 'text', text: literal[1] ?? literal[2] ?? '' }]]);
  }

  #group(opening: number, name: string | undefined): Piece[][] | undefined {
    if (++this.#groups > MAX_GROUPS) return undefined;
    this.#take(opening);
    const inner = this.alternatives();
    if (inner === undefined || this.isClosed || !this.#rest.startsWith(')')) return undefined;
    this.#take(1);
    const [only] = inner;
    const [piece] = only ?? [];
    const isCapture = inner.length === 1 && only?.length === 1 && piece?.kind === 'segment';
    return this.#quantified(isCapture ? [[{ ...piece, name: name ?? piece.name }]] : inner);
  }

  #quantified(ways: Piece[][]): Piece[][] | undefined {
    if (this.#rest.startsWith('?')) {
      this.#take(1);
      return [[], ...ways];
    }
    return /^[*+{]/.test(this.#rest) ? undefined : ways;
  }

  #take(length: number): void {
    this.#rest = this.#rest.slice(length);
  }
}

/** The path of pieces in a row; undefined where a wildcard is a part of a segment, or something follows the rest. */
function pathOf(pieces: readonly Piece[], isClosed: boolean): RegexPath | undefined {
  const last = pieces.at(-1);
  const hasRest = last?.kind === 'rest' || !isClosed;
  const fixed = last?.kind === 'rest' ? pieces.slice(0, -1) : pieces;
  let path = '';
  // Nothing at all is a rest here.
  let wider = last?.kind === 'rest' && last.some;
  let count = 0;
  let afterSegment = false;
  for (const piece of fixed) {
    if (piece.kind === 'rest') return undefined;
    if (piece.kind === 'text') {
      if (afterSegment && piece.text !== '/') return undefined;
      path += piece.text;
      afterSegment = false;
      continue;
    }
    if (!path.endsWith('/')) return undefined;
    path += `{${piece.name ?? `p${++count}`}}`;
    wider ||= !piece.any;
    afterSegment = true;
  }
  if (!path.startsWith('/')) return undefined;
  if (!hasRest) return checked({ path, wider, narrower: false, bare: false });
  // `/a/` with anything behind is `/a/*`, which takes `/a` too; `/a` with anything behind also takes `/ab`.
  const bare = path.endsWith('/');
  const body = bare ? path.slice(0, -1) : path;
  const narrower = !bare && !(afterSegment && !wider);
  return checked({ path: `${body}/*`, wider, narrower, bare: bare && body !== '' });
}

function checked(made: RegexPath): RegexPath | undefined {
  return parsePattern(made.path).ok ? made : undefined;
}
