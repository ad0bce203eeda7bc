/** Something that must not take for ever. It is added once and moves `deadlineMs` as it goes: that costs an assignment. */
export interface Deadline {
  /** On the clock of `Deadlines.nowMs`; Infinity while nothing is waited for. */
  deadlineMs: number;
  /** Called once the deadline has passed; moves it or removes itself, else it is called again at the next sweep. */
  onDeadline(nowMs: number): void;
}

/** How often deadlines are looked at, unless told otherwise, and so how late one may be noticed. */
export const SWEEP_MS = 100;

/**
 * All deadlines of a worker. One interval looks at each of them ten times a second, which for 10,000 connections costs less
 * than re-arming a timer several times per request would. It runs only while there are any.
 */
export class Deadlines {
  /** The time of the last sweep: at most one step old, and free to read. */
  nowMs: number;
  readonly #entries = new Set<Deadline>();
  readonly #clock: () => number;
  readonly #stepMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `clock` gives milliseconds that never go back. Tests give their own and call `sweep`. `stepMs` lies between two sweeps. */
  constructor(clock: () => number = () => performance.now(), stepMs: number = SWEEP_MS) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.nowMs = clock();
  }

  add(entry: Deadline): void {
    this.#entries.add(entry);
    if (this.#timer !== undefined) return;
    this.nowMs = this.#clock();
    this.#timer = setInterval(() => this.sweep(), this.#stepMs);
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
    return ms === 0 ? Number.POSITIVE_INFINITY : this.nowMs + ms + this.#stepMs;
  }

  sweep(): void {
    const now = this.#clock();
    this.nowMs = now;
    for (const entry of this.#entries) if (entry.deadlineMs <= now) entry.onDeadline(now);
  }
}
