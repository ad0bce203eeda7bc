import { createClient } from '@redis/client';
import { clientOptions, type RedisSettings, withoutPassword } from '../../redis/client-options.ts';
import { connected, type Link, linkOf, type RedisClient, type Topology } from './topology.ts';

/** One server, or a name that leads to whichever is the primary. */
export class SingleServer implements Topology {
  readonly name: string;
  readonly #settings: RedisSettings;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
    this.name = `Redis at ${new URL(settings.url).host}`;
  }

  async open(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Link> {
    return linkOf(await this.openListener(lost, signal));
  }

  openListener(lost: (cause: unknown) => void, signal: AbortSignal): Promise<RedisClient> {
    return connected(createClient(clientOptions(this.#settings)), lost, signal);
  }

  withoutSecrets(cause: unknown): unknown {
    return withoutPassword(cause, this.#settings.url);
  }
}
