export interface OutageOptions {
  /** As the log calls it: never with a password. */
  readonly name: string;
  /** What that means. */
  readonly consequence: string;
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

/** For so long everything must go well until an outage is over, so that one that flickers is one. */
const CALM_MS = 1000;

/** Tells once that Redis is away, and once that it is back, however many requests notice. */
export class Outage {
  readonly #options: OutageOptions;
  #since: number | undefined;
  #wellSince: number | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  failed(cause: unknown): void {
    this.#wellSince = undefined;
    if (this.#since !== undefined) return;
    this.#since = this.#options.nowMs();
    const { log, name, consequence } = this.#options;
    log('warn', `${name} is of no use: ${consequence}`, cause);
  }

  /** It answered in time. */
  well(): void {
    if (this.#since === undefined) return;
    const now = this.#options.nowMs();
    this.#wellSince ??= now;
    if (now - this.#wellSince < CALM_MS) return;
    const seconds = Math.round((now - this.#since) / 1000);
    this.#options.log('info', `${this.#options.name} answers again, after ${seconds} s`);
    this.#since = undefined;
  }
}
