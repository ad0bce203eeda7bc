import type { SourceObserver } from './source.ts';
import { checkTargets, sameTargets, type TargetDescription } from './target-description.ts';

const MAX_CAUSE_CHARS = 500;

/** What a source tells its observer: lists that were checked and are news, an outage once, and nothing when it is over. */
export class Reports {
  readonly #observer: SourceObserver;
  #last: readonly TargetDescription[] | undefined;
  #failing = false;
  #closed = false;

  constructor(observer: SourceObserver) {
    this.#observer = observer;
  }

  /** Returns why the list was refused; nothing is told then. */
  found(entries: readonly TargetDescription[]): string | undefined {
    const checked = checkTargets(entries);
    if (!checked.ok) return checked.reason;
    if (this.#closed) return undefined;
    const news = this.#failing || this.#last === undefined || !sameTargets(this.#last, checked.targets);
    this.#failing = false;
    this.#last = checked.targets;
    if (news) this.#observer.targets(checked.targets);
    return undefined;
  }

  failed(cause: string): void {
    if (this.#closed || this.#failing) return;
    this.#failing = true;
    this.#observer.failed(cause.length > MAX_CAUSE_CHARS ? `${cause.slice(0, MAX_CAUSE_CHARS)}...` : cause);
  }

  close(): void {
    this.#closed = true;
  }
}
