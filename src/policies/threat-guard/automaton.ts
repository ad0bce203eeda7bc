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
    let width = 1;
    for (const octet of Buffer.from(triggers.join(''), 'latin1'))
      if (this.#classes[octet] === 0) this.#classes[octet] = width++;
    this.#width = width;
    const { next, ends } = this.#trie(triggers);
    this.#link(next, ends);
    this.#next = Uint16Array.from(next.flat());
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

  #visit(from: number, end: number, visitor: TriggerVisitor): boolean {
    for (let at = from; this.#found[at] !== -1; at++)
      if (visitor.onTrigger(this.#found[at] as number, end)) return true;
    return false;
  }

  #trie(triggers: readonly string[]): { next: number[][]; ends: number[][] } {
    const row = () => new Array<number>(this.#width).fill(0);
    const next = [row()];
    const ends: number[][] = [[]];
    triggers.forEach((trigger, index) => {
      let state = 0;
      for (const octet of Buffer.from(trigger, 'latin1')) {
        const edges = next[state] as number[];
        const symbol = this.#classes[octet] as number;
        if (edges[symbol] === 0) {
          edges[symbol] = next.push(row()) - 1;
          ends.push([]);
        }
        state = edges[symbol] as number;
      }
      ends[state]?.push(index);
    });
    return { next, ends };
  }

  /** Fills in, breadth first, where a state goes on that has no edge of its own: where its longest proper suffix goes. */
  #link(next: number[][], ends: number[][]): void {
    const suffix = new Array<number>(next.length).fill(0);
    const queue = (next[0] as number[]).filter((state) => state !== 0);
    for (const state of queue) {
      const fallBack = suffix[state] as number;
      ends[state]?.push(...(ends[fallBack] as number[]));
      (next[state] as number[]).forEach((to, symbol, edges) => {
        const instead = next[fallBack]?.[symbol] as number;
        if (to === 0) {
          edges[symbol] = instead;
        } else {
          suffix[to] = instead;
          queue.push(to);
        }
      });
    }
  }
}
