/** Something that several hold at once, until each of them has closed it. */
export interface Lease<Value> {
  readonly value: Value;
  /** Once more does nothing. */
  readonly close: () => void;
}

interface Entry {
  readonly value: { close(): void };
  holders: number;
}

/** Things that are made once per key, however many want them, and closed with their last holder. */
export class SharedPool {
  readonly #entries = new Map<string, Entry>();

  /** Of one key all values are of one type. */
  open<Value extends { close(): void }>(key: string, make: () => Value): Lease<Value> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { value: make(), holders: 0 };
      this.#entries.set(key, entry);
    }
    entry.holders++;
    return { value: entry.value as Value, close: this.#closer(key, entry) };
  }

  #closer(key: string, entry: Entry): () => void {
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      if (--entry.holders > 0) return;
      this.#entries.delete(key);
      entry.value.close();
    };
  }
}
