/** Something that must not take for ever. It is added once and moves `deadlineMs` as it goes: that costs an assignment. */
export interface Deadline {
  /** On the clock of `Deadlines.nowMs`; Infinity while nothing is waited for. */
  deadlineMs: number;
  /** Called once the deadline has passed; moves it or removes itself, else it is called again at the next sweep. */
  onDeadline(nowMs: number): void;
}

/** How late a deadline may be noticed. */
export const SWEEP_MS = 100;

/**
 * All deadlines of a worker. One interval looks at each of them ten times a second, which for 10,000 connections costs less
 * than re-arming a timer several times per request would.
 */
export class Deadlines {
  /** The time of the last sweep: at most SWEEP_MS old, and free to read. */
  nowMs: number;
  readonly #entries = new Set<Deadline>();
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** `clock` gives milliseconds that never go back. Tests give their own and call `sweep`. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.nowMs = clock();
  }

  add(entry: Deadline): void {
    this.#entries.add(entry);
    if (this.#timer !== undefined) return;
    this.nowMs = this.#clock();
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
    // Sockets keep a process alive; the watch over them need not.
    this.#timer.unref();
  }

  remove(entry: Deadline): void {
    this.#entries.delete(entry);
    if (this.#entries.size > 0 || this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The deadline for something that may take `ms` from now; 0 is for ever. Never early, up to two sweeps late. */
  after(ms: number): number {
    // Without entries nobody sweeps, and the time stands still.
    if (this.#timer === undefined) this.nowMs = this.#clock();
    return ms === 0 ? Number.POSITIVE_INFINITY : this.nowMs + ms + SWEEP_MS;
  }

  sweep(): void {
    const now = this.#clock();
    this.nowMs = now;
    for (const entry of this.#entries) if (entry.deadlineMs <= now) entry.onDeadline(now);
  }
}
