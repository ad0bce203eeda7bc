/** Nonces that are remembered at most: only who has a key can have one remembered. */
const MAX_NONCES = 100_000;

/** What was signed once, for as long as it could be sent again. */
export class Nonces {
  readonly #windowMs: number;
  readonly #max: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAtMs = Number.NEGATIVE_INFINITY;

  /** A signature is taken for `windowMs` at most. */
  constructor(windowMs: number, max: number = MAX_NONCES) {
    this.#windowMs = windowMs;
    this.#max = max;
  }

  /** `full`: it cannot be remembered, so that it must not be taken either. */
  take(key: string, nowMs: number): 'new' | 'seen' | 'full' {
    if (nowMs - this.#turnedAtMs >= this.#windowMs) {
      this.#old = nowMs - this.#turnedAtMs >= 2 * this.#windowMs ? new Set() : this.#young;
      this.#young = new Set();
      this.#turnedAtMs = nowMs;
    }
    if (this.#young.has(key) || this.#old.has(key)) return 'seen';
    if (this.#young.size + this.#old.size >= this.#max) return 'full';
    this.#young.add(key);
    return 'new';
  }
}
