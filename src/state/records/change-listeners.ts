/** Those who want to know what changed. */
export class ChangeListeners {
  readonly #listeners = new Set<(key: string | undefined) => void>();

  /** Returns what ends it. */
  add(listener: (key: string | undefined) => void): () => void {
    // One listener added twice is two, each with an end of its own.
    const own = (key: string | undefined): void => listener(key);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** undefined: any key. */
  tell(key: string | undefined): void {
    for (const listener of this.#listeners) listener(key);
  }
}
