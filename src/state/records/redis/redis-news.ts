import type { Client } from '../../redis/new-client.ts';
import type { Topology } from '../../redis/topology.ts';
import { ChangeListeners } from '../change-listeners.ts';
import { backOffMs, pause } from './resilient-link.ts';

export interface RedisNewsOptions {
  readonly topology: Topology;
  readonly channel: string;
  /** How long Redis may take for an answer, and between two questions whether it is still there: news are missed for twice as long at most. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly failed: (cause: unknown) => void;
}

/** Hears what is published on a connection of its own, and knows when it may have missed something. */
export class RedisNews {
  readonly listeners = new ChangeListeners();
  readonly #options: RedisNewsOptions;
  readonly #closed = new AbortController();
  #isLive = false;

  constructor(options: RedisNewsOptions) {
    this.#options = options;
    void this.#listen();
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  close(): void {
    this.#isLive = false;
    this.#closed.abort(new Error('closed'));
  }

  async #listen(): Promise<void> {
    const { failed, topology } = this.#options;
    const closed = this.#closed.signal;
    for (let failures = 0; !closed.aborted; ) {
      try {
        await this.#listenOnce(() => {
          failures = 0;
        });
      } catch (cause) {
        if (!closed.aborted) failed(topology.withoutSecrets(cause));
      }
      this.#isLive = false;
      await pause(backOffMs(++failures), closed);
    }
  }

  /** Rejects when the connection is of no use any more, and leaves nothing open. */
  async #listenOnce(subscribed: () => void): Promise<never> {
    const { topology, channel, connectTimeoutMs, timeoutMs } = this.#options;
    const closed = this.#closed.signal;
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    const give = (): void => lost.reject(closed.reason);
    closed.addEventListener('abort', give, { once: true });
    let client: Client | undefined;
    try {
      const signal = AbortSignal.any([closed, AbortSignal.timeout(connectTimeoutMs)]);
      const opened = await topology.openListener((cause) => lost.reject(cause), signal);
      client = opened;
      const within = <Value>(answer: Promise<Value>): Promise<Value> => {
        answer.catch(() => {});
        return Promise.race([answer, lost.promise, lateness(timeoutMs, answer)]);
      };
      await within(opened.subscribe(channel, (key) => this.listeners.tell(key)));
      subscribed();
      this.#isLive = true;
      this.listeners.tell(undefined);
      for (;;) {
        await Promise.race([pause(timeoutMs, closed), lost.promise]);
        await within(opened.ping());
      }
    } finally {
      closed.removeEventListener('abort', give);
      client?.destroy();
    }
  }
}

/** Rejects when an answer has not come in time. */
async function lateness(ms: number, answer: Promise<unknown>): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  const stop = (): void => clearTimeout(timer);
  answer.then(stop, stop);
  return promise;
}
