import type { ServerMetadata } from 'openid-client';
import { messageOf } from '../../lib/message-of.ts';
import type { boundedFetch } from './outgoing-fetch.ts';
import { ProviderUnavailable } from './provider.ts';

const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;
const MAX_AGE_MS = 60 * 60_000;

/** What an issuer publishes of itself (OpenID Connect Discovery section 4), read when it is first wanted; after a failure not at once again. */
export class LazyMetadata {
  readonly #issuer: string;
  readonly #fetch: ReturnType<typeof boundedFetch>;
  readonly #nowMs: () => number;
  #known: { readonly metadata: ServerMetadata; readonly readAtMs: number } | undefined;
  #reading: Promise<ServerMetadata> | undefined;
  #failures = 0;
  #notBeforeMs = 0;

  constructor(issuer: string, fetch: ReturnType<typeof boundedFetch>, nowMs: () => number) {
    this.#issuer = issuer;
    this.#fetch = fetch;
    this.#nowMs = nowMs;
  }

  async get(): Promise<ServerMetadata> {
    const known = this.#known;
    if (known !== undefined && this.#nowMs() - known.readAtMs < MAX_AGE_MS) return known.metadata;
    if (this.#reading === undefined && this.#nowMs() < this.#notBeforeMs) {
      if (known !== undefined) return known.metadata;
      throw new ProviderUnavailable(`what ${this.#issuer} publishes of itself cannot be read`);
    }
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    try {
      return await this.#reading;
    } catch (error) {
      if (known !== undefined) return known.metadata;
      throw error;
    }
  }

  async #read(): Promise<ServerMetadata> {
    try {
      const answer = await this.#fetch(
        `${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        {
          headers: { accept: 'application/json' },
        },
      );
      const metadata = (await answer.json()) as ServerMetadata;
      if (answer.status !== 200 || metadata.issuer !== this.#issuer)
        throw new Error(`it answered ${answer.status} for the issuer ${metadata.issuer.slice(0, 200)}`);
      this.#failures = 0;
      this.#known = { metadata, readAtMs: this.#nowMs() };
      return metadata;
    } catch (error) {
      this.#notBeforeMs = this.#nowMs() + Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** this.#failures++);
      const reason = messageOf(error);
      throw new ProviderUnavailable(`what ${this.#issuer} publishes of itself cannot be read: ${reason}`);
    }
  }
}
