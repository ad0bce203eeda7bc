import type { TargetsMessage, TargetsNews } from './targets-message.ts';

/** Where a worker looks up the targets of its services: what the main thread told last, by the key of `targetsKey`. */
export class TargetDirectory {
  readonly #messages = new Map<string, TargetsMessage>();
  readonly #listeners = new Map<string, Set<(message: TargetsMessage) => void>>();

  /** Takes what the main thread says. It may be of a service that does not exist here yet. */
  receive(news: TargetsNews): void {
    if (news.kind === 'targetsGone') {
      this.#messages.delete(news.key);
      return;
    }
    this.#messages.set(news.key, news);
    for (const listener of this.#listeners.get(news.key) ?? []) listener(news);
  }

  /** The targets as they are now; undefined where the main thread said nothing. */
  get(key: string): TargetsMessage | undefined {
    return this.#messages.get(key);
  }

  /** Calls `listener` whenever the targets change, until the function that is returned is called. */
  watch(key: string, listener: (message: TargetsMessage) => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }
}
