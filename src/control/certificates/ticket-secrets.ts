import { hkdfSync, randomBytes } from 'node:crypto';

export interface TicketSettings {
  /** What nodes share; undefined: this machine makes up its own. */
  readonly secret?: string | undefined;
  /** Milliseconds. */
  readonly rotation: number;
}

export interface TicketSecretsOptions {
  /** Told of each change, the first included. */
  readonly publish: (secrets: readonly Uint8Array[]) => void;
  readonly nowMs: () => number;
}

/** A timer waits no longer. */
const LONGEST_WAIT_MS = 0x7fffffff;

/**
 * The secrets that workers make the keys of session tickets of. The present one is replaced in each period of `rotation`, and that of
 * the period before is taken too. Made up ones are forgotten after that, so that recorded traffic stays closed to whoever learns of a
 * later one. With a shared secret each period's follows from it and from the clock, which other nodes may have a little ahead.
 */
export class TicketSecrets {
  readonly #options: TicketSecretsOptions;
  #settings: TicketSettings | undefined;
  #period = Number.NaN;
  #secrets: readonly Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TicketSecretsOptions) {
    this.#options = options;
  }

  /** Present, then others that are taken; empty before the first `configure`. */
  get current(): readonly Uint8Array[] {
    return this.#secrets;
  }

  configure(settings: TicketSettings): void {
    const before = this.#settings;
    if (before?.secret === settings.secret && before?.rotation === settings.rotation) return;
    this.#settings = settings;
    this.#period = Number.NaN;
    this.#turn(settings);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #turn(settings: TicketSettings): void {
    const { secret, rotation } = settings;
    const now = this.#options.nowMs();
    const period = Math.floor(now / rotation);
    if (period !== this.#period) {
      const isNext = period === this.#period + 1;
      this.#period = period;
      this.#secrets =
        secret === undefined
          ? [randomBytes(32), ...(isNext ? this.#secrets.slice(0, 1) : [])]
          : [period, period - 1, period + 1].map((number) => secretOf(secret, rotation, number));
      this.#options.publish(this.#secrets);
    }
    clearTimeout(this.#timer);
    const wait = Math.min((period + 1) * rotation - now, LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#turn(settings), wait).unref();
  }
}

function secretOf(secret: string, rotation: number, period: number): Uint8Array {
  return new Uint8Array(
    hkdfSync('sha256', secret, '', `portcullis session tickets ${rotation} ${period}`, 32),
  );
}
