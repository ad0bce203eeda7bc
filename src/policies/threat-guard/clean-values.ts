import { keptText } from '../../lib/kept-text.ts';

/** Values in all, and the longest one that is remembered: 32 kB at most for a field of a use of the policy in a worker. */
const SLOTS = 128;
const MAX_LENGTH = 256;
/** One of so many values that are not there is remembered: what comes often is soon, and what never comes again costs next to nothing. */
const ONE_OF = 7;

/**
 * Values of one field in which nothing was found: a client sends the same one with every request, and many clients share theirs. Each has one slot
 * that it may be in.
 */
export class CleanValues {
  readonly #values: string[] = Array.from({ length: SLOTS }, () => '');
  #missed = 0;

  has(value: string): boolean {
    return this.#values[slotOf(value)] === value;
  }

  add(value: string): void {
    if (value.length > MAX_LENGTH || ++this.#missed % ONE_OF !== 0) return;
    // A part of a head would keep all of it.
    this.#values[slotOf(value)] = keptText(value);
  }
}

/** By the length and some characters, mostly near the end, where versions and addresses differ. */
function slotOf(value: string): number {
  const { length } = value;
  let hash = length;
  for (let back = 1; back <= 41; back += 8) hash = hash * 31 + value.charCodeAt(length - back);
  hash = hash * 31 + value.charCodeAt(length >> 1);
  return (hash ^ (hash >>> 7)) & (SLOTS - 1);
}
