import type { Asking } from './asker.ts';

/** What a decision in Redis takes along in its one call of the script, all of both or nothing: other counts of the same slot. */
export interface Companion {
  /** How many figures the script tells of it. */
  readonly figures: number;
  /** Adds the names of its keys, and the five arguments of each, to a question that is asked there. */
  addTo(keys: string[], operands: string[], asking: Asking): void;
  /** Reads its figures, which begin there. Whether it had room, or was taken; undefined where that is no answer of the script. */
  read(reply: readonly unknown[], at: number, isTaken: boolean): boolean | undefined;
  /** Nobody can tell. */
  unanswered(): void;
}
