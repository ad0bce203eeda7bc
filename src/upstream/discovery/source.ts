import type { TargetDescription } from './target-description.ts';

/** Who wants to know where a service runs. */
export interface SourceObserver {
  /** The targets from now on: the first list, each one that differs from the last, and the first one after a failure. */
  targets(list: readonly TargetDescription[]): void;
  /** The source cannot tell any more, once per outage. The targets told last stay; without any, there are none. */
  failed(cause: string): void;
}

/** Tells an observer where a service runs, for as long as it is open. Throws nothing and tries again by itself. */
export interface Source {
  /** Once. */
  start(): void;
  /** Releases everything; the observer hears no more. Also before `start` and a second time. */
  close(): void;
}
