import { createServer, type Server } from 'node:net';
import type { DataPlaneConfig } from '../server/config.ts';

export interface ListenerAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Gives every listener with port 0 a port that all workers can share, and keeps it for as long as that listener stays in the
 * configuration: over reloads, and for workers that are replaced.
 */
export class PortChooser {
  readonly #reusePort: boolean;
  /** Ports chosen for the configuration in force, by listener. */
  #chosen = new Map<string, ListenerAddress>();

  constructor(reusePort: boolean) {
    this.#reusePort = reusePort;
  }

  /** Rejects where an address cannot be bound. Call `keep` or `release` on the result once the workers have bound their own. */
  async choose(config: DataPlaneConfig): Promise<ChosenPorts> {
    const chosen = new Map<string, ListenerAddress>();
    const holders: Server[] = [];
    const listeners = { ...config.listeners };
    try {
      for (const [name, listener] of Object.entries(config.listeners)) {
        if (listener.port !== 0) continue;
        const before = this.#chosen.get(name);
        let port = before?.address === listener.address ? before.port : undefined;
        if (port === undefined) {
          const holder = await hold(listener.address, this.#reusePort);
          port = portOf(holder);
          // Without reusePort the worker could not bind beside the holder. Nobody knows the port yet, so the gap does no harm.
          if (this.#reusePort) holders.push(holder);
          else await closed(holder);
        }
        chosen.set(name, { address: listener.address, port });
        listeners[name] = { ...listener, port };
      }
    } catch (error) {
      await Promise.all(holders.map(closed));
      throw error;
    }
    return {
      config: { ...config, listeners },
      keep: async () => {
        this.#chosen = chosen;
        await Promise.all(holders.map(closed));
      },
      release: async () => {
        await Promise.all(holders.map(closed));
      },
    };
  }
}

export interface ChosenPorts {
  /** The configuration with every port filled in. */
  readonly config: DataPlaneConfig;
  /** The configuration is in force: remember its ports. */
  keep(): Promise<void>;
  /** The configuration was refused: forget them. */
  release(): Promise<void>;
}

function hold(host: string, reusePort: boolean): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port: 0, reusePort }, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listener has no port');
  return address.port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
