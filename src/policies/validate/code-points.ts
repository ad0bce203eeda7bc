/** Code points from `first` to `last`, both included. */
export type CodePointRange = readonly [first: number, last: number];

const LAST = 0x10ffff;
const SURROGATES: CodePointRange = [0xd800, 0xdfff];
const BLOCK = 0x1000;

export const EVERY_CODE_POINT: readonly CodePointRange[] = [[0, LAST]];

/** In order, and none beside another. */
export function joined(ranges: readonly CodePointRange[]): CodePointRange[] {
  const made: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = made.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else made.push([first, last]);
  }
  return made;
}

/** All that the others are not. */
export function complement(ranges: readonly CodePointRange[]): CodePointRange[] {
  const made: CodePointRange[] = [];
  let from = 0;
  for (const [first, last] of joined(ranges)) {
    if (from < first) made.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= LAST) made.push([from, LAST]);
  return made;
}

/**
 * The code points of a Unicode property, such as `L` or `Script=Greek`, as this program's own engine has them. Throws a SyntaxError for
 * one that there is not. It takes some milliseconds.
 */
export function codePointsOf(property: string): CodePointRange[] {
  const runs = new RegExp(`\\p{${property}}+`, 'gu');
  const ranges: CodePointRange[] = [];
  for (let from = 0; from < LAST; from += BLOCK) {
    if (isAlike(from)) {
      if (runs.test(String.fromCodePoint(from))) ranges.push([from, from + BLOCK - 1]);
      runs.lastIndex = 0;
      continue;
    }
    const units = from > 0xffff ? 2 : 1;
    for (const { 0: run } of textOf(from).matchAll(runs)) {
      const last = run.codePointAt(run.length - units) as number;
      ranges.push([run.codePointAt(0) as number, last === SURROGATES[0] ? SURROGATES[1] : last]);
    }
  }
  return joined(ranges);
}

/** The characters of a block. Two halves of a pair beside each other would be another character: the first stands for all, which are alike. */
function textOf(from: number): string {
  const codes: number[] = [];
  for (let code = from; code < from + BLOCK; code++)
    if (code <= SURROGATES[0] || code > SURROGATES[1]) codes.push(code);
  return String.fromCodePoint(...codes);
}

/** Planes 4 to 13 have no characters, and 15 and 16 those of private use; the last two of each plane are none. */
function isAlike(from: number): boolean {
  const plane = from >> 16;
  return ((plane >= 4 && plane <= 13) || plane >= 15) && (from & 0xf000) !== 0xf000;
}
