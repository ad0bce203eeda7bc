/** Shedding ends below this share of where it starts: what it takes away must not end it at once. */
const END = 0.8;

/**
 * How far a reading is on its way from nothing to do (0) to refuse all (1). Two states: calm until the reading reaches `start`; pressed
 * until it falls below 80 % of that. While pressed the way begins at the lower of the two, so that pressure falls to 0 without a jump.
 */
export class Pressure {
  readonly #start: number;
  readonly #end: number;
  readonly #full: number;
  #pressed = false;

  constructor({ start, full }: { readonly start: number; readonly full: number }) {
    this.#start = start;
    this.#end = start * END;
    this.#full = full;
  }

  /** 0 to 1. */
  at(reading: number): number {
    this.#pressed = reading >= (this.#pressed ? this.#end : this.#start);
    return this.#pressed ? Math.min(1, (reading - this.#end) / (this.#full - this.#end)) : 0;
  }
}
