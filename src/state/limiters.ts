import { sameData } from '../lib/same-data.ts';
import { SharedUse, type Use } from '../lib/shared-use.ts';
import { HybridLimiter } from './hybrid/hybrid-limiter.ts';
import type { Limiter } from './limiter.ts';
import { RedisConnection } from './redis/connection.ts';
import { RedisLimiter } from './redis/redis-limiter.ts';
import { decisionScript } from './redis/script.ts';
import type { RedisServerConfig } from './schema.ts';

/** Where limits are counted: memory of this machine, Redis, or a worker's own with Redis told in intervals. */
export type Store = 'memory' | 'redis' | 'hybrid';
export type OnFailure = RedisServerConfig['onFailure'];

export interface StoreOptions {
  /** Default: Redis where there is one. */
  readonly store?: Store | undefined;
  /** Default: that of `state.redis`. */
  readonly onFailure?: OnFailure | undefined;
  /** Between two synchronisations of `hybrid`. */
  readonly syncMs: number;
}

/** A limiter in use. */
export interface HeldLimiter {
  readonly limiter: Limiter;
  /** What becomes of requests that nobody decided about. */
  readonly onFailure: OnFailure;
  /** It is not used any more. */
  release(): void;
}

export type Log = (level: 'info' | 'warn', message: string, detail?: unknown) => void;

/** The places of one configuration where a worker counts limits. Redis is connected to while somebody counts there. */
export class Limiters {
  readonly #memory: Limiter;
  readonly #settings: RedisServerConfig | undefined;
  readonly #log: Log;
  readonly #redis: SharedUse<RedisStore> | undefined;

  constructor(memory: Limiter, settings: RedisServerConfig | undefined, log: Log) {
    this.#memory = memory;
    this.#settings = settings;
    this.#log = log;
    if (settings !== undefined)
      this.#redis = new SharedUse(
        () => new RedisStore(settings, log),
        (store) => store.close(),
      );
  }

  /** These where they are what the settings ask for, else others. */
  with(settings: RedisServerConfig | undefined): Limiters {
    return sameData(settings, this.#settings) ? this : new Limiters(this.#memory, settings, this.#log);
  }

  /** Waits for Redis as long as connecting may take; a gateway starts without it, too. Rejects where there is none. */
  async open({ store, onFailure, syncMs }: StoreOptions): Promise<HeldLimiter> {
    const settings = this.#settings;
    const chosen = store ?? (settings === undefined ? 'memory' : 'redis');
    if (chosen === 'memory') return { limiter: this.#memory, onFailure: 'open', release() {} };
    if (settings === undefined || this.#redis === undefined)
      throw new Error(`store: ${chosen} needs state.redis`);
    const redis = this.#redis.use();
    await redis.value.started;
    const inEffect = onFailure ?? settings.onFailure;
    if (chosen === 'redis')
      return { limiter: redis.value.limiter, onFailure: inEffect, release: redis.release };
    const hybrid = redis.value.hybrid(syncMs, inEffect === 'open');
    return {
      limiter: hybrid.value,
      onFailure: inEffect,
      release() {
        hybrid.release();
        redis.release();
      },
    };
  }
}

/** A connection with those who count by it. Whoever shares their limiter knows what the others took. */
class RedisStore {
  readonly connection: RedisConnection;
  /** One wait for all: thousands of routes may count by it. */
  readonly started: Promise<void>;
  readonly limiter: RedisLimiter;
  readonly #prefix: string;
  readonly #hybrids = new Map<string, SharedUse<HybridLimiter>>();

  constructor(settings: RedisServerConfig, log: Log) {
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
