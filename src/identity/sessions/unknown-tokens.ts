import { BoundedMap } from '../../lib/bounded-map.ts';

/** Enough for what programs with revoked tokens send; guesses push each other out. */
const MAX = 10_000;
/** A token that is revoked never comes back: the bound is for a store that was away and lost its place. */
const KEPT_MS = 30_000;

/** Tokens that the store was just asked for and does not have: it is not asked again for a while. */
export class UnknownTokens {
  readonly #untilMs = new BoundedMap<string, number>(MAX);

  has(text: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(text);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.#untilMs.delete(text);
    return false;
  }

  add(text: string, nowMs: number): void {
    this.#untilMs.set(text, nowMs + KEPT_MS);
  }
}
