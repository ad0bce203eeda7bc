/**
 * A map that forgets: of its entries those that were added first, once there are too many. Two generations, so that adding costs no
 * search: when the younger one is full the older one is dropped; what is found in the older moves to the younger.
 */
export class BoundedMap<Key, Value> {
  readonly #half: number;
  readonly #forgotten: ((value: Value) => void) | undefined;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  /**
   * At most so many entries, and at least half as many of the youngest. `forgotten` is told of each value that the map lets go of for want of room,
   * half of all at a time, not of those that were deleted or replaced.
   */
  constructor(entries: number, forgotten?: (value: Value) => void) {
    this.#half = Math.max(1, Math.floor(entries / 2));
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.set(key, old);
    }
    return old;
  }

  set(key: Key, value: Value): void {
    this.#old.delete(key);
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      if (this.#forgotten !== undefined) this.#old.forEach(this.#forgotten);
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  *values(): Generator<Value> {
    yield* this.#old.values();
    yield* this.#young.values();
  }
}
