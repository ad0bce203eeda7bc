import type { RedisClientOptions } from '@redis/client';
import type { RedisConfig } from '../schema.ts';
import {
  clientOptions,
  commonOptions,
  isSecure,
  passwordOf,
  type RedisSettings,
  withoutPasswords,
} from './client-options.ts';
import { type Client, newClient } from './new-client.ts';
import { connected, type Link, linkOf, type Topology, untilAborted } from './topology.ts';

type SentinelsConfig = NonNullable<RedisConfig['sentinels']>;

/**
 * The primary that sentinels know, asked for anew for each connection. When another one takes its place, Sentinel ends the connections to the old
 * one, or the old one refuses writes: both make that the way is lost.
 *
 * As "Guidelines for Redis clients with support for Redis Sentinel" (redis.io) has it, with all sentinels asked at once: one that does not answer
 * costs no time then.
 */
export class SentinelPrimary implements Topology {
  readonly name: string;
  readonly #sentinels: SentinelsConfig;
  readonly #settings: Pick<RedisSettings, 'connectTimeout' | 'tls'>;
  readonly #passwords: readonly (string | undefined)[];

  constructor(sentinels: SentinelsConfig, settings: Pick<RedisSettings, 'connectTimeout' | 'tls'>) {
    this.#sentinels = sentinels;
    this.#settings = settings;
    this.name = `Redis primary ${sentinels.name}`;
    this.#passwords = [sentinels.password, ...sentinels.nodes.map(passwordOf)];
  }

  async open(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Link> {
    return linkOf(await this.openListener(lost, signal));
  }

  async openListener(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Client> {
    const { username, password, database, nodes } = this.#sentinels;
    const address = await this.#primary(signal);
    const { socket, ...options } = commonOptions(this.#settings, nodes.some(isSecure));
    const user: RedisClientOptions = {
      ...options,
      database,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      socket: { ...socket, ...address },
    };
    const client = newClient(user);
    await connected(client, lost, signal);
    try {
      const role = await untilAborted(client.sendCommand(['ROLE']), signal);
      if (!Array.isArray(role) || role[0] !== 'master')
        throw new Error('the primary is about to be another one');
      return client;
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  withoutSecrets(cause: unknown): unknown {
    return withoutPasswords(cause, this.#passwords);
  }

  /** What the first sentinel that knows says. */
  async #primary(signal: AbortSignal): Promise<{ readonly host: string; readonly port: number }> {
    const found = new AbortController();
    const either = AbortSignal.any([signal, found.signal]);
    try {
      return await Promise.any(this.#sentinels.nodes.map((url) => this.#ask(url, either)));
    } catch (error) {
      // Of each sentinel its reason; the first one tells enough.
      const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
      const message = first instanceof Error ? first.message : 'for no reason';
      throw new Error(`no sentinel knows the primary ${this.#sentinels.name}: ${message}`, { cause: error });
    } finally {
      found.abort(new Error('another sentinel was faster'));
    }
  }

  async #ask(url: string, signal: AbortSignal): Promise<{ readonly host: string; readonly port: number }> {
    const { name } = this.#sentinels;
    const client = await connected(newClient(clientOptions({ ...this.#settings, url })), () => {}, signal);
    try {
      const command = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name];
      const answer = await untilAborted(client.sendCommand(command), signal);
      const [host, port] = Array.isArray(answer) ? (answer as unknown[]) : [];
      if (typeof host !== 'string' || !/^\d{1,5}$/.test(String(port)))
        throw new Error(`${new URL(url).host} has no primary of that name`);
      return { host, port: Number(port) };
    } finally {
      client.destroy();
    }
  }
}
