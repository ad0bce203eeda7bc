import { sha256 } from '../lib/sha256.ts';
import { type Records, RecordsUnavailable } from '../state/records/records.ts';

/** `unknown`: nobody can say, or it could not be remembered, so that what bears it must not be taken either. */
export type NonceVerdict = 'new' | 'seen' | 'unknown';

/** Nonces that are remembered at most: only who has a key can have one remembered. */
const MAX_NONCES = 100_000;

/** What one worker saw of nonces, for as long as they could be sent again. It goes over from one configuration to the next. */
export class UsedNonces {
  readonly #max: number;
  #windowMs = 0;
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(max: number = MAX_NONCES) {
    this.#max = max;
  }

  /** What bears it is taken for `windowMs` at most. */
  take(key: string, nonce: string, windowMs: number, nowMs: number): NonceVerdict {
    this.#windowMs = Math.max(this.#windowMs, windowMs);
    if (nowMs - this.#turnedAtMs >= this.#windowMs) {
      this.#old = nowMs - this.#turnedAtMs >= 2 * this.#windowMs ? new Set() : this.#young;
      this.#young = new Set();
      this.#turnedAtMs = nowMs;
    }
    const name = nameOf(key, nonce);
    if (this.#young.has(name) || this.#old.has(name)) return 'seen';
    if (this.#young.size + this.#old.size >= this.#max) return 'unknown';
    this.#young.add(name);
    return 'new';
  }
}

/** The same for all who share the records. */
export async function takeStoredNonce(
  records: Records,
  key: string,
  nonce: string,
  windowMs: number,
): Promise<NonceVerdict> {
  try {
    return (await records.create(`nonce:${nameOf(key, nonce)}`, '', windowMs)) ? 'new' : 'seen';
  } catch (error) {
    if (error instanceof RecordsUnavailable) return 'unknown';
    throw error;
  }
}

/** As long for every nonce: clients choose them, and may choose long ones. */
function nameOf(key: string, nonce: string): string {
  return sha256(JSON.stringify([key, nonce]));
}
