import type { RemotePlace } from './remote-document.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Whether something is worth asking: after a failure not for 1 s, after each further one twice as long, up to 10 s; then one may try, and the
 * others wait for how it fares. One line in the log when it begins, one when it is over.
 */
export class Outage {
  readonly #what: string;
  readonly #place: RemotePlace;
  #failures = 0;
  #retryAtMs = 0;

  /** `what` begins a line of the log. */
  constructor(what: string, place: RemotePlace) {
    this.#what = what;
    this.#place = place;
  }

  /** 0: it may be asked, and whoever asks says how that went. Else milliseconds until somebody may. */
  waitMs(): number {
    if (this.#failures === 0) return 0;
    const nowMs = this.#place.timers.nowMs();
    if (nowMs < this.#retryAtMs) return this.#retryAtMs - nowMs;
    this.#retryAtMs = nowMs + this.#pauseMs();
    return 0;
  }

  failed(cause: string): void {
    if (this.#failures++ === 0) this.#place.log('warn', `${this.#what}: ${cause}`);
    this.#retryAtMs = this.#place.timers.nowMs() + this.#pauseMs();
  }

  succeeded(): void {
    if (this.#failures === 0) return;
    this.#place.log('info', `${this.#what}: answers again, after ${this.#failures} failures`);
    this.#failures = 0;
  }

  #pauseMs(): number {
    return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 16));
  }
}
