import type { TargetDescription } from './discovery/target-description.ts';

/** A target and the memory in which all threads share what they know of it (a `TargetCell`). */
export interface SharedTarget {
  readonly description: TargetDescription;
  readonly cell: SharedArrayBuffer;
}

/** From the main thread to every worker: the targets of a service from now on. */
export interface TargetsMessage {
  readonly kind: 'targets';
  /** Of `targetsKey`. */
  readonly key: string;
  readonly targets: readonly SharedTarget[];
  /** Of a `ServiceCell`. */
  readonly service: SharedArrayBuffer;
}

/** No configuration has this service any more: nothing more is told of it. */
export interface TargetsGone {
  readonly kind: 'targetsGone';
  readonly key: string;
}

export type TargetsNews = TargetsMessage | TargetsGone;
