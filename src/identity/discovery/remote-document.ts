import { causeOf } from '../../lib/cause.ts';
import type { Timers } from '../../lib/timers.ts';
import type { Unavailable } from '../authenticator.ts';

/** What was read, and is kept until it is read anew. */
export interface Loaded<Document> {
  readonly kind: 'loaded';
  readonly document: Document;
}

/** What things that are read from providers are made in. */
export interface RemotePlace {
  readonly timers: Timers;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

export interface RemoteDocumentOptions<Document> {
  /** For the log: `the keys of https://id.example.com`. */
  readonly what: string;
  /**
   * Reads it. Rejects with an Error whose message may be logged; returns what is unavailable when something that it depends on is, which
   * tries again by itself.
   */
  readonly load: () => Promise<Document | Unavailable>;
  /** Then it is read again, while the old one is used. */
  readonly maxAgeMs: number;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Something that a provider publishes: read when it is first wanted, once however many want it, and kept. What was read last stays in use
 * while it cannot be read anew. After a failure it is tried again in the background, after 1 s, then twice as long each time up to 30 s, half
 * of it by chance; until then whoever wants it learns at once that it is not there. One line in the log per outage, one when it is over.
 */
export class RemoteDocument<Document extends object> {
  readonly #options: RemoteDocumentOptions<Document>;
  readonly #place: RemotePlace;
  #loaded: Loaded<Document> | undefined;
  #loading: Promise<Loaded<Document> | Unavailable> | undefined;
  #staleAtMs = 0;
  #failures = 0;
  #retryAtMs = 0;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(options: RemoteDocumentOptions<Document>, place: RemotePlace) {
    this.#options = options;
    this.#place = place;
  }

  /** What was read last, or will be. Waits for the first time alone. Never rejects. */
  get(): Loaded<Document> | Unavailable | Promise<Loaded<Document> | Unavailable> {
    if (this.#loaded !== undefined) {
      this.touch();
      return this.#loaded;
    }
    if (this.#failures > 0 || this.#closed) return this.#unavailable();
    return this.#loading ?? this.#start();
  }

  /** What was read last, if anything was. */
  get known(): Document | undefined {
    return this.#loaded?.document;
  }

  get isLoading(): boolean {
    return this.#loading !== undefined;
  }

  /** Whether it could not be read when that was tried last. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Has what is too old read anew, in the background. */
  touch(): void {
    if (this.#loaded === undefined || this.#loading !== undefined || this.#failures > 0) return;
    if (this.#staleAtMs <= this.#place.timers.nowMs() && !this.#closed) void this.#start();
  }

  /** Reads it anew, or waits until it is read; after a failure not before its pause is over. What was read before stays if that fails. */
  refresh(): Promise<Loaded<Document> | Unavailable> {
    if (this.#loading !== undefined) return this.#loading;
    if (this.#failures > 0 || this.#closed) return Promise.resolve(this.#unavailable());
    return this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  #start(): Promise<Loaded<Document> | Unavailable> {
    this.#loading = this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<Loaded<Document> | Unavailable> {
    let document: Document | Unavailable;
    try {
      document = await this.#options.load();
    } catch (error) {
      this.#failed(causeOf(error));
      return this.#unavailable();
    }
    if (isUnavailable(document)) {
      this.#staleAtMs = this.#place.timers.nowMs() + FIRST_PAUSE_MS;
      return document;
    }
    this.#staleAtMs = this.#place.timers.nowMs() + this.#options.maxAgeMs;
    if (this.#failures > 0)
      this.#place.log('info', `${this.#options.what}: read again, after ${this.#failures} failures`);
    this.#failures = 0;
    this.#loaded = { kind: 'loaded', document };
    return this.#loaded;
  }

  #failed(cause: string): void {
    if (this.#closed) return;
    const { timers, random, log } = this.#place;
    const { what } = this.#options;
    const kept = this.#loaded === undefined ? '' : '; what was read before stays in use';
    if (this.#failures === 0)
      log('warn', `${what}: cannot be read: ${cause}; tried again in the background${kept}`);
    const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures++, 16));
    const pauseMs = longestMs * (0.5 + random() / 2);
    this.#retryAtMs = timers.nowMs() + pauseMs;
    this.#cancelRetry = timers.after(pauseMs, () => void this.#start());
  }

  #unavailable(): Unavailable {
    const retryAfterMs = Math.max(FIRST_PAUSE_MS, this.#retryAtMs - this.#place.timers.nowMs());
    return { kind: 'unavailable', detail: PROVIDER_AWAY, retryAfterMs };
  }
}

/** For the client: who it is and why is in the log. */
export const PROVIDER_AWAY = 'The identity provider that knows who may call cannot be asked at the moment.';

export function isUnavailable(value: object): value is Unavailable {
  return (value as Partial<Unavailable>).kind === 'unavailable';
}
