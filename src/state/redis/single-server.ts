import { clientOptions, passwordOf, type RedisSettings, withoutPasswords } from './client-options.ts';
import { type Client, newClient } from './new-client.ts';
import { connected, type Link, linkOf, type Topology } from './topology.ts';

export type SingleServerSettings = Omit<RedisSettings, 'timeout'>;

/** One server, or a name that leads to whichever is the primary. */
export class SingleServer implements Topology {
  readonly name: string;
  readonly #settings: SingleServerSettings;

  constructor(settings: SingleServerSettings) {
    this.#settings = settings;
    this.name = `Redis at ${new URL(settings.url).host}`;
  }

  async open(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Link> {
    return linkOf(await this.openListener(lost, signal));
  }

  openListener(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Client> {
    return connected(newClient(clientOptions(this.#settings)), lost, signal);
  }

  withoutSecrets(cause: unknown): unknown {
    return withoutPasswords(cause, [passwordOf(this.#settings.url)]);
  }
}
