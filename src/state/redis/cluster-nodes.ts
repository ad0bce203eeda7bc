import { createCluster } from '@redis/client';
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
import { connected, type Link, type Topology, untilAborted } from './topology.ts';

type ClusterConfig = NonNullable<RedisConfig['cluster']>;

/** A node on which nothing comes for so long is given up; it is asked more often than that whether it is there. */
const SILENCE_MS = 15_000;

/** A Redis Cluster, found by some of its nodes. Each node is connected to when it is needed, so that one that is away stops only its own slots. */
export class ClusterNodes implements Topology {
  readonly name: string;
  readonly #nodes: readonly string[];
  readonly #settings: Pick<RedisSettings, 'connectTimeout' | 'tls'>;
  /** The node to begin with: another one after each that failed. */
  #turn = 0;

  constructor({ nodes }: ClusterConfig, settings: Pick<RedisSettings, 'connectTimeout' | 'tls'>) {
    this.#nodes = nodes;
    this.#settings = settings;
    this.name = `Redis Cluster at ${new URL(nodes[0] as string).host}`;
  }

  async open(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Link> {
    // One that answers, because the client of a cluster does not notice one that takes connections and says nothing.
    const { client: probe, url } = await this.#openAny(() => {}, signal);
    probe.destroy();
    const [first] = this.#nodes as readonly [string, ...string[]];
    const { username, password } = new URL(first);
    const { socket, ...options } = commonOptions(this.#settings, isSecure(first));
    const cluster = createCluster({
      rootNodes: [{ url }],
      minimizeConnections: true,
      defaults: {
        ...options,
        ...(username === '' ? {} : { username: decodeURIComponent(username) }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
        pingInterval: SILENCE_MS / 3,
        socket: { ...socket, socketTimeout: SILENCE_MS },
      },
    });
    cluster.on('error', lost);
    cluster.on('node-error', lost);
    try {
      await untilAborted(cluster.connect(), signal);
    } catch (error) {
      cluster.destroy();
      throw error;
    }
    return {
      isSplit: true,
      send: (key, command) => cluster.sendCommand(key, false, [...command]),
      close: () => cluster.close(),
      destroy: () => cluster.destroy(),
    };
  }

  /** What one node publishes reaches all. */
  async openListener(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Client> {
    return (await this.#openAny(lost, signal)).client;
  }

  withoutSecrets(cause: unknown): unknown {
    return withoutPasswords(cause, this.#nodes.map(passwordOf));
  }

  async #openAny(
    lost: (cause: unknown) => void,
    signal: AbortSignal,
  ): Promise<{ readonly client: Client; readonly url: string }> {
    const url = this.#nodes[this.#turn++ % this.#nodes.length] as string;
    const client = await connected(newClient(clientOptions({ ...this.#settings, url })), lost, signal);
    try {
      const info: unknown = await untilAborted(client.sendCommand(['CLUSTER', 'INFO']), signal);
      if (typeof info !== 'string' || !info.includes('cluster_state:ok'))
        throw new Error(`${new URL(url).host} has lost sight of its cluster`);
      return { client, url };
    } catch (error) {
      client.destroy();
      throw error;
    }
  }
}
