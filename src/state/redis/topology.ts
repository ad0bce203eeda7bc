import type { Client } from './new-client.ts';

/** A way to Redis on which commands go out. It is used until it is lost, and never mended: another one is opened. */
export interface Link {
  /** `key` says which server of a cluster is asked. Rejects with what Redis answered, or why nothing did. */
  send(key: string, command: readonly string[]): Promise<unknown>;
  /** Whether it leads to several servers: one that does not answer says nothing of the others. */
  readonly isSplit: boolean;
  /** Resolves when what was sent has been answered, and ends then. */
  close(): Promise<unknown>;
  destroy(): void;
}

/** Where Redis is: a server, the primary that sentinels know, or a cluster. */
export interface Topology {
  /** For the log: never with a password. */
  readonly name: string;
  /** Opens a way to whoever takes writes at present. `lost` may be called more than once. Rejects in vain; the caller gives up by `signal`. */
  open(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Link>;
  /** A connection to one server that hears what is published. */
  openListener(lost: (cause: unknown) => void, signal: AbortSignal): Promise<Client>;
  /** What may be logged of a failure. */
  withoutSecrets(cause: unknown): unknown;
}

/** Connects, or rejects with the reason and leaves nothing open. What happens to it later is told to `lost`. */
export async function connected(
  client: Client,
  lost: (cause: unknown) => void,
  signal: AbortSignal,
): Promise<Client> {
  client.on('error', lost);
  client.on('end', () => lost(new Error('the connection has ended')));
  try {
    signal.throwIfAborted();
    await untilAborted(client.connect(), signal);
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** Rejects with the signal's reason when that comes first. */
export async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Commands on a connection to one server. */
export function linkOf(client: Client): Link {
  return {
    isSplit: false,
    send: (_key, command) => client.sendCommand([...command]),
    close: () => client.close(),
    destroy: () => client.destroy(),
  };
}
