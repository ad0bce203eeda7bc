const SPACE = 0x20;
/** No class: there are fewer, since triggers have no capitals. */
const DOUBTFUL = 255;

/** Told of each trigger that a text holds. */
export interface TriggerVisitor {
  /** `end` is behind its last octet. True ends the scan. */
  onTrigger(trigger: number, end: number): boolean;
}

/**
 * Finds any number of fixed texts in one pass, octet by octet (A. Aho, M. Corasick, "Efficient string matching", 1975), as a table of
 * states: time is linear in the input, whatever it is.
 */
export class Automaton {
  /** Class of each octet: those in no trigger share the first. */
  readonly #classes = new Uint8Array(256);
  readonly #width: number;
  /** The next state, by state and class. */
  readonly #next: Uint16Array;
  /** Where in `#found` the triggers that end in a state begin; 0 for none. Each list ends in -1. */
  readonly #foundAt: Uint16Array;
  readonly #found: Int16Array;

  /** Triggers are latin1 texts that are not empty. */
  constructor(triggers: readonly string[]) {
    const octets = triggers.map((trigger) => Buffer.from(trigger, 'latin1'));
    let width = 1;
    // A space has one in any case, since several in a row are one.
    for (const octet of [SPACE, ...Buffer.concat(octets)])
      if (this.#classes[octet] === 0) this.#classes[octet] = width++;
    this.#width = width;
    const ends: number[][] = [[]];
    const next = this.#trie(octets, ends);
    this.#link(next, ends);
    this.#next = next.subarray(0, ends.length * width);
    const found = [-1];
    this.#foundAt = Uint16Array.from(ends, (list) => {
      if (list.length === 0) return 0;
      return found.push(...list, -1) - list.length - 1;
    });
    this.#found = Int16Array.from(found);
  }

  scan(octets: Uint8Array, length: number, visitor: TriggerVisitor): void {
    const classes = this.#classes;
    const next = this.#next;
    const foundAt = this.#foundAt;
    const width = this.#width;
    let state = 0;
    for (let i = 0; i < length; i++) {
      state = next[state * width + (classes[octets[i] as number] as number)] as number;
      const at = foundAt[state] as number;
      if (at !== 0 && this.#visit(at, i + 1, visitor)) return;
    }
  }

  /**
   * The class of each octet for `holdsNone`, once `folded` has been applied; octets that are in `doubtful` have one that no text may have there.
   */
  classesOf(folded: Uint8Array, doubtful: readonly number[]): Uint8Array {
    const classes = folded.map((octet) => this.#classes[octet] as number);
    for (const octet of doubtful) classes[octet] = DOUBTFUL;
    return classes;
  }

  /**
   * Whether characters [from, to) of a latin1 text hold no trigger for sure, as they are: some spaces in a row are one. A third of what `scan` and the
   * making of its octets take.
   */
  holdsNone(text: string, from: number, to: number, classes: Uint8Array): boolean {
    const next = this.#next;
    const foundAt = this.#foundAt;
    const width = this.#width;
    const space = this.#classes[SPACE] as number;
    let state = 0;
    let previous = -1;
    for (let i = from; i < to; i++) {
      const kind = classes[text.charCodeAt(i) & 0xff] as number;
      if (kind === DOUBTFUL) return false;
      if (kind === space && previous === space) continue;
      previous = kind;
      state = next[state * width + kind] as number;
      if (foundAt[state] !== 0) return false;
    }
    return true;
  }

  #visit(from: number, end: number, visitor: TriggerVisitor): boolean {
    for (let at = from; this.#found[at] !== -1; at++)
      if (visitor.onTrigger(this.#found[at] as number, end)) return true;
    return false;
  }

  /** Adds a state to `ends` for each beginning of a trigger, and to its last one the trigger. */
  #trie(triggers: readonly Uint8Array[], ends: number[][]): Uint16Array {
    const states = triggers.reduce((sum, { length }) => sum + length, 1);
    const next = new Uint16Array(states * this.#width);
    triggers.forEach((trigger, index) => {
      let state = 0;
      for (const octet of trigger) {
        const edge = state * this.#width + (this.#classes[octet] as number);
        if (next[edge] === 0) next[edge] = ends.push([]) - 1;
        state = next[edge] as number;
      }
      ends[state]?.push(index);
    });
    return next;
  }

  /** Fills in, breadth first, where a state goes on that has no edge of its own: where its longest proper suffix goes. */
  #link(next: Uint16Array, ends: number[][]): void {
    const width = this.#width;
    const suffix = new Uint16Array(ends.length);
    const queue = [...next.subarray(0, width)].filter((state) => state !== 0);
    for (const state of queue) {
      const fallBack = suffix[state] as number;
      ends[state]?.push(...(ends[fallBack] as number[]));
      for (let symbol = 0; symbol < width; symbol++) {
        const edge = state * width + symbol;
        const instead = next[fallBack * width + symbol] as number;
        const to = next[edge] as number;
        if (to === 0) {
          next[edge] = instead;
        } else {
          suffix[to] = instead;
          queue.push(to);
        }
      }
    }
  }
}
