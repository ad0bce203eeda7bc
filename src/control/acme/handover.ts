import { messageOf } from '../../lib/message-of.ts';

export interface HandoverOptions {
  /** Has what was offered put into force; resolves with why that was refused, undefined where it was not. */
  readonly ask: () => Promise<string | undefined>;
  readonly nowMs: () => number;
  readonly log: (level: 'error', message: string) => void;
}

/** Certificates that were refused. */
interface Refusal {
  readonly reason: string;
  readonly failures: number;
  readonly retryAtMs: number;
}

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/** Sees to it that certificates which came are put into force, and tries again later where they are refused. */
export class Handover {
  readonly #options: HandoverOptions;
  /** PEM by name. */
  readonly #offered = new Map<string, string>();
  #served: ReadonlyMap<string, string> = new Map();
  #refusal: Refusal | undefined;
  #asking = false;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /** Why the certificates that came last are not in force. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** This one is given to whoever puts it into force, and may be refused there. */
  offer(name: string, cert: string): void {
    this.#offered.set(name, cert);
  }

  /** What was offered is in force. */
  accepted(): void {
    this.#served = new Map(this.#offered);
    this.#refusal = undefined;
  }

  isServed(name: string, cert: string): boolean {
    return this.#served.get(name) === cert;
  }

  /** Call it while something else is served than there is. Does nothing while that is asked for already, or was refused a moment ago. */
  async press(): Promise<void> {
    const { ask, nowMs, log } = this.#options;
    if (this.#asking || nowMs() < (this.#refusal?.retryAtMs ?? 0)) return;
    this.#asking = true;
    const reason = await ask().catch(messageOf);
    this.#asking = false;
    if (reason === undefined) return;
    const failures = (this.#refusal?.failures ?? 0) + 1;
    const retryAtMs = nowMs() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));
    this.#refusal = { reason, failures, retryAtMs };
    const when = new Date(retryAtMs).toISOString();
    log('error', `certificates by ACME are not put into force: ${reason}; tried again at ${when}`);
  }
}
