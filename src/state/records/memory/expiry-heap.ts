/** Something that ends. `heapIndex` belongs to the heap. */
export interface Expiring {
  expiresAtMs: number;
  heapIndex: number;
}

/** Entries by when they end, the next one first. Each change costs a walk between the root and a leaf: 20 steps for a million entries. */
export class ExpiryHeap<Entry extends Expiring> {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** What ends next. */
  get first(): Entry | undefined {
    return this.#entries[0];
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    entry.heapIndex = this.#entries.length - 1;
    this.#rise(entry);
  }

  /** Call it after `expiresAtMs` has changed. */
  moved(entry: Entry): void {
    this.#rise(entry);
    this.#sink(entry);
  }

  remove(entry: Entry): void {
    const last = this.#entries.pop() as Entry;
    if (last === entry) return;
    this.#put(last, entry.heapIndex);
    this.moved(last);
  }

  #rise(entry: Entry): void {
    while (entry.heapIndex > 0) {
      const index = entry.heapIndex;
      const parent = this.#entries[(index - 1) >> 1] as Entry;
      if (parent.expiresAtMs <= entry.expiresAtMs) return;
      this.#put(entry, parent.heapIndex);
      this.#put(parent, index);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const index = entry.heapIndex;
      const left = this.#entries[2 * index + 1];
      const right = this.#entries[2 * index + 2];
      if (left === undefined) return;
      const child = right !== undefined && right.expiresAtMs < left.expiresAtMs ? right : left;
      if (child.expiresAtMs >= entry.expiresAtMs) return;
      this.#put(entry, child.heapIndex);
      this.#put(child, index);
    }
  }

  #put(entry: Entry, index: number): void {
    this.#entries[index] = entry;
    entry.heapIndex = index;
  }
}
