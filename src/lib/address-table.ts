import { AddressReader, type Cidr, formatCidr, parseCidr } from './cidr.ts';

type V4Range = Extract<Cidr, { family: 4 }>;
type V6Range = Extract<Cidr, { family: 6 }>;

/** Ranges in ascending order, the wider one first where two begin alike; each once. */
export interface SortedRanges {
  readonly v4: readonly V4Range[];
  readonly v6: readonly V6Range[];
}

export function sortRanges(ranges: readonly Cidr[]): SortedRanges {
  const v4: V4Range[] = [];
  const v6: V6Range[] = [];
  for (const range of ranges) {
    if (range.family === 4) v4.push(range);
    else v6.push(range);
  }
  return { v4: eachOnce(v4.sort(compareV4), compareV4), v6: eachOnce(v6.sort(compareV6), compareV6) };
}

/** The first range that stands in both, exactly as it is, as text; undefined where there is none. */
export function commonRange(a: SortedRanges, b: SortedRanges): string | undefined {
  const common = firstCommon(a.v4, b.v4, compareV4) ?? firstCommon(a.v6, b.v6, compareV6);
  return common === undefined ? undefined : formatCidr(common);
}

/**
 * A compact set of addresses in memory that threads can share: the number of IPv4 and of IPv6 ranges; the first addresses of the
 * IPv4 ranges, ascending; their last ones; then the same for IPv6, four words each. No two of the ranges overlap.
 */
export function buildTable({ v4, v6 }: SortedRanges): Uint32Array<SharedArrayBuffer> {
  // Two CIDR ranges are either apart or one within the other: dropping the inner ones leaves separate ranges. Those of IPv4 that adjoin
  // become one, since lists of them are often cut small.
  const v4Bounds: number[] = [];
  for (const { first, last } of v4) {
    const before = v4Bounds.at(-1);
    if (before === undefined || first > before + 1) v4Bounds.push(first, last);
    else if (last > before) v4Bounds[v4Bounds.length - 1] = last;
  }
  const v6Separate: V6Range[] = [];
  for (const range of v6) {
    const before = v6Separate.at(-1);
    if (before === undefined || compareWords(range.last, before.last) > 0) v6Separate.push(range);
  }
  const n4 = v4Bounds.length / 2;
  const n6 = v6Separate.length;
  const table = new Uint32Array(new SharedArrayBuffer((HEADER + n4 * 2 + n6 * 8) * 4));
  table[0] = n4;
  table[1] = n6;
  for (let i = 0; i < n4; i++) {
    table[HEADER + i] = v4Bounds[i * 2] as number;
    table[HEADER + n4 + i] = v4Bounds[i * 2 + 1] as number;
  }
  const v6At = HEADER + n4 * 2;
  for (let i = 0; i < n6; i++) {
    const { first, last } = v6Separate[i] as V6Range;
    table.set(first, v6At + i * 4);
    table.set(last, v6At + (n6 + i) * 4);
  }
  return table;
}

const HEADER = 2;

/** A set of addresses over a table of `buildTable`. To make one costs nothing that depends on the size of the table. */
export class CidrSet {
  /** Ranges of the table. */
  readonly size: number;
  readonly #table: Uint32Array;
  readonly #v4Count: number;
  readonly #v6Count: number;
  readonly #v6At: number;
  readonly #reader = new AddressReader();

  constructor(table: Uint32Array) {
    this.#table = table;
    this.#v4Count = table[0] as number;
    this.#v6Count = table[1] as number;
    this.#v6At = HEADER + this.#v4Count * 2;
    this.size = this.#v4Count + this.#v6Count;
  }

  /** True when the address lies in one of the ranges; false for a text that is no address. */
  has(address: string): boolean {
    return this.size > 0 && this.#reader.read(address) && this.covers(this.#reader);
  }

  /** As `has`, of the address that was read last: whoever asks several sets reads it once. */
  covers(address: AddressReader): boolean {
    return address.v4 === -1 ? this.#hasV6(address.words) : this.#hasV4(address.v4);
  }

  #hasV4(word: number): boolean {
    const table = this.#table;
    // How many ranges begin at the address or before it: the last of these is the only one that can have it.
    let low = HEADER;
    let high = HEADER + this.#v4Count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((table[middle] as number) <= word) low = middle + 1;
      else high = middle;
    }
    return low > HEADER && (table[low - 1 + this.#v4Count] as number) >= word;
  }

  #hasV6(words: Uint32Array): boolean {
    const at = this.#v6At;
    let low = 0;
    let high = this.#v6Count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(at + middle * 4, words) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.#compare(at + (low - 1 + this.#v6Count) * 4, words) >= 0;
  }

  #compare(at: number, words: Uint32Array): number {
    const table = this.#table;
    for (let i = 0; i < 4; i++) {
      const difference = (table[at + i] as number) - (words[i] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/**
 * Compiles ranges into a set. Throws RangeError for a text that `parseCidr` refuses; a configuration is checked before it comes here.
 */
export function compileCidrs(texts: readonly string[]): CidrSet {
  const reader = new AddressReader();
  const ranges = texts.map((text) => {
    const range = parseCidr(text, reader);
    if (range.kind === 'refused') throw new RangeError(`${text}: ${range.reason}`);
    return range;
  });
  return new CidrSet(buildTable(sortRanges(ranges)));
}

function compareV4(a: V4Range, b: V4Range): number {
  return a.first - b.first || a.prefix - b.prefix;
}

function compareV6(a: V6Range, b: V6Range): number {
  return compareWords(a.first, b.first) || a.prefix - b.prefix;
}

function compareWords(a: V6Range['first'], b: V6Range['first']): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}

function eachOnce<Range>(sorted: readonly Range[], compare: (a: Range, b: Range) => number): Range[] {
  return sorted.filter((range, i) => i === 0 || compare(sorted[i - 1] as Range, range) !== 0);
}

/** Both are sorted by `compare`: one walk along both finds it. */
function firstCommon<Range>(
  a: readonly Range[],
  b: readonly Range[],
  compare: (a: Range, b: Range) => number,
): Range | undefined {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const order = compare(a[i] as Range, b[j] as Range);
    if (order === 0) return a[i];
    if (order < 0) i++;
    else j++;
  }
  return undefined;
}
