import type { Source, SourceObserver } from '../discovery/source.ts';
import type { TargetDescription } from '../discovery/target-description.ts';

/** What a source said last. */
export type SourceState =
  /** Nothing yet. */
  | { readonly state: 'waiting' }
  | { readonly state: 'ok' }
  /** It cannot tell any more, or never could; `at` is Unix time in milliseconds. */
  | { readonly state: 'failing'; readonly cause: string; readonly at: number };

export interface FeedObserver {
  failed(cause: string): void;
  /** It had failed, and tells again. */
  recovered(): void;
  /** Nobody needs it any more: its source is closed. */
  idle(): void;
}

/**
 * The targets that one source tells of, for all who need them: while a reload goes from one version of a service to the next, both. The
 * source starts with the first of them and is closed after the last.
 */
export class TargetFeed {
  /** Resolves with the first word of the source, a list or a failure. */
  readonly ready: Promise<void>;
  readonly #source: Source;
  readonly #observer: FeedObserver;
  readonly #listeners = new Set<() => void>();
  #targets: readonly TargetDescription[] = [];
  #state: SourceState = { state: 'waiting' };

  constructor(makeSource: (observer: SourceObserver) => Source, observer: FeedObserver) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#observer = observer;
    this.#source = makeSource({
      targets: (list) => {
        const failed = this.#state.state === 'failing';
        this.#targets = list;
        this.#state = { state: 'ok' };
        resolve();
        if (failed) observer.recovered();
        for (const listener of this.#listeners) listener();
      },
      failed: (cause) => {
        this.#state = { state: 'failing', cause, at: Date.now() };
        resolve();
        observer.failed(cause);
      },
    });
  }

  /** Those told last; none before. */
  get targets(): readonly TargetDescription[] {
    return this.#targets;
  }

  get state(): SourceState {
    return this.#state;
  }

  /** Calls `listener` when the targets may have changed, until the function that is returned is called. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#source.start();
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#source.close();
      this.#observer.idle();
    };
  }
}
