/**
 * Values by prefix, all of which a text begins with are found by one binary search: whatever begins a text stands, in order, before the
 * text and begins everything between. So those that begin it are the nearest entry before it and what begins that entry.
 */
export class PrefixTable<Value> {
  readonly #prefixes: readonly string[];
  readonly #values: readonly Value[];
  /** Of each entry the longest that begins it; -1: none. */
  readonly #within: Int32Array;

  constructor(entries: ReadonlyMap<string, Value>) {
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#prefixes = sorted.map(([prefix]) => prefix);
    this.#values = sorted.map(([, value]) => value);
    this.#within = new Int32Array(sorted.length);
    for (let i = 0; i < sorted.length; i++) {
      let outer = i - 1;
      while (outer >= 0 && !this.#at(i).startsWith(this.#at(outer))) outer = this.#within[outer] as number;
      this.#within[i] = outer;
    }
  }

  /** Adds to `found` the value of each prefix of the text, the longest first. */
  find(text: string, found: Value[]): void {
    let low = 0;
    let high = this.#prefixes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle) <= text) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0; i = this.#within[i] as number)
      if (text.startsWith(this.#at(i))) found.push(this.#values[i] as Value);
  }

  #at(index: number): string {
    return this.#prefixes[index] as string;
  }
}
