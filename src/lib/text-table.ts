/** Whether texts are found by all that they are, or by what they begin with. */
export type TextTableKind = 'texts' | 'prefixes';

/** How many texts there are, and where their octets begin, in octets. */
const HEAD_WORDS = 2;

/**
 * Texts as one piece of memory that threads share: where each begins, in order, and their octets, which are latin1. A prefix within another is left
 * out, as whatever it begins the other begins, too.
 */
export function buildTextTable(
  texts: readonly string[],
  kind: TextTableKind,
): Uint32Array<SharedArrayBuffer> {
  const sorted = [...new Set(texts)].sort((a, b) => (a < b ? -1 : 1));
  const kept: string[] = [];
  for (const text of sorted)
    if (kind === 'texts' || kept.length === 0 || !text.startsWith(kept.at(-1) as string)) kept.push(text);
  const octetsAt = (HEAD_WORDS + kept.length + 1) * Uint32Array.BYTES_PER_ELEMENT;
  const length = kept.reduce((sum, text) => sum + text.length, 0);
  const shared = new SharedArrayBuffer(Math.ceil((octetsAt + length) / 4) * 4);
  const words = new Uint32Array(shared);
  const octets = Buffer.from(shared);
  words[0] = kept.length;
  words[1] = octetsAt;
  let at = octetsAt;
  for (const [i, text] of kept.entries()) {
    words[HEAD_WORDS + i] = at;
    at += octets.write(text, at, 'latin1');
  }
  words[HEAD_WORDS + kept.length] = at;
  return words;
}

/** Finds a text, or a prefix of it, by a binary search. */
export class TextTable {
  readonly size: number;
  readonly #words: Uint32Array;
  readonly #octets: Uint8Array;

  /** `words` is what `buildTextTable` made. */
  constructor(words: Uint32Array) {
    this.#words = words;
    this.#octets = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.size = words[0] as number;
  }

  has(text: string): boolean {
    const at = this.#lastUpTo(text);
    return at >= 0 && this.#lengthOf(at) === text.length && this.#compare(at, text) === 0;
  }

  /** Whether the text begins with one of these. Of those up to the text it can only be the last: what stands between begins with it, too. */
  hasPrefixOf(text: string): boolean {
    const at = this.#lastUpTo(text);
    if (at < 0) return false;
    const length = this.#lengthOf(at);
    return length <= text.length && this.#common(at, text) === length;
  }

  /** The last one that is not after the text; -1: there is none. */
  #lastUpTo(text: string): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, text) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #lengthOf(at: number): number {
    return (this.#words[HEAD_WORDS + at + 1] as number) - (this.#words[HEAD_WORDS + at] as number);
  }

  /** How many characters both have in common at their beginning. */
  #common(at: number, text: string): number {
    const start = this.#words[HEAD_WORDS + at] as number;
    const length = Math.min(this.#lengthOf(at), text.length);
    let i = 0;
    while (i < length && this.#octets[start + i] === text.charCodeAt(i)) i++;
    return i;
  }

  /** Below 0: it comes before the text. */
  #compare(at: number, text: string): number {
    const common = this.#common(at, text);
    const length = this.#lengthOf(at);
    if (common === length || common === text.length) return length - text.length;
    const start = this.#words[HEAD_WORDS + at] as number;
    return (this.#octets[start + common] as number) - text.charCodeAt(common);
  }
}
