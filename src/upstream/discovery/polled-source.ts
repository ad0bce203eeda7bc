import { causeOf } from '../../lib/cause.ts';
import type { Timers } from '../../lib/timers.ts';
import type { Reports } from './reports.ts';
import type { Source } from './source.ts';

/** How one round of asking ended. */
export type Round =
  /** What was found is told; the next round may begin after `waitMs`. */
  { readonly ok: true; readonly waitMs: number } | Failure;

export interface Failure {
  readonly ok: false;
  readonly cause: string;
}

/** What differs from source to source. */
export interface Poller {
  /** Asks once and tells what was found. Never two at a time. */
  round(): Promise<Round>;
  /** Gives up what a round waits for. */
  release(): void;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** A source that asks round after round, and after failures waits longer each time: 1 s, doubled up to a minute, half of it by chance. */
export class PolledSource implements Source {
  readonly #poller: Poller;
  readonly #reports: Reports;
  readonly #timers: Timers;
  readonly #random: () => number;
  #failures = 0;
  #cancel: (() => void) | undefined;
  #closed = false;

  /** `random` gives numbers from 0 up to 1. */
  constructor(poller: Poller, reports: Reports, timers: Timers, random: () => number) {
    this.#poller = poller;
    this.#reports = reports;
    this.#timers = timers;
    this.#random = random;
  }

  start(): void {
    if (!this.#closed) void this.#round();
  }

  close(): void {
    this.#closed = true;
    this.#reports.close();
    this.#cancel?.();
    this.#poller.release();
  }

  async #round(): Promise<void> {
    let round: Round;
    try {
      round = await this.#poller.round();
    } catch (error) {
      round = { ok: false, cause: causeOf(error) };
    }
    if (this.#closed) return;
    this.#cancel = this.#timers.after(round.ok ? round.waitMs : this.#pauseMs(), () => void this.#round());
    if (round.ok) this.#failures = 0;
    else this.#reports.failed(round.cause);
  }

  #pauseMs(): number {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures++, 16));
    return longest * (0.5 + this.#random() / 2);
  }
}
