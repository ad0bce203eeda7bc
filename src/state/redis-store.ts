import { SharedUse, type Use } from '../lib/shared-use.ts';
import { HybridLimiter } from './hybrid/hybrid-limiter.ts';
import type { Log } from './log.ts';
import { RedisConnection } from './redis/connection.ts';
import { RedisLimiter } from './redis/redis-limiter.ts';
import { decisionScript } from './redis/script.ts';
import type { RedisConfig } from './schema.ts';

/** A connection with those who count by it. Whoever shares their limiter knows what the others took. */
export class RedisStore {
  readonly connection: RedisConnection;
  /** One wait for all: thousands of routes may count by it. */
  readonly started: Promise<void>;
  readonly limiter: RedisLimiter;
  readonly #prefix: string;
  readonly #hybrids = new Map<string, SharedUse<HybridLimiter>>();

  constructor(settings: RedisConfig, log: Log) {
    this.#prefix = settings.prefix;
    this.connection = new RedisConnection(settings, decisionScript(), log);
    this.started = this.connection.ready();
    this.limiter = new RedisLimiter(this.connection, settings.prefix);
  }

  /** Closed when nobody uses it any more: what it knows and its timer need not stay for as long as others use the connection. */
  hybrid(syncMs: number, goesOnAlone: boolean): Use<HybridLimiter> {
    const key = `${syncMs} ${goesOnAlone}`;
    let shared = this.#hybrids.get(key);
    if (shared === undefined) {
      const { connection } = this;
      shared = new SharedUse(
        () => new HybridLimiter({ connection, prefix: this.#prefix, syncMs, goesOnAlone }),
        (limiter) => {
          this.#hybrids.delete(key);
          limiter.close();
        },
      );
      this.#hybrids.set(key, shared);
    }
    return shared.use();
  }

  close(): void {
    this.limiter.close();
    void this.connection.close();
  }
}
