import { sameData } from '../lib/same-data.ts';
import { SharedUse } from '../lib/shared-use.ts';
import type { Limiter } from './limiter.ts';
import type { Log } from './log.ts';
import type { RedisStore } from './redis-store.ts';
import type { RedisConfig } from './schema.ts';

/** Where limits are counted: memory of this machine, Redis, or a worker's own with Redis told in intervals. */
export type Store = 'memory' | 'redis' | 'hybrid';
export type OnFailure = RedisConfig['onFailure'];

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

/** The places of one configuration where a worker counts limits. Redis is connected to while somebody counts there. */
export class Limiters {
  readonly #memory: Limiter;
  readonly #settings: RedisConfig | undefined;
  readonly #log: Log;
  readonly #redis: SharedUse<Promise<RedisStore>> | undefined;

  constructor(memory: Limiter, settings: RedisConfig | undefined, log: Log) {
    this.#memory = memory;
    this.#settings = settings;
    this.#log = log;
    if (settings !== undefined)
      this.#redis = new SharedUse(
        () => openStore(settings, log),
        (opened) => void opened.then((store) => store.close()),
      );
  }

  /** These where they are what the settings ask for, else others. */
  with(settings: RedisConfig | undefined): Limiters {
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
    const opened = await redis.value;
    await opened.started;
    const inEffect = onFailure ?? settings.onFailure;
    if (chosen === 'redis') return { limiter: opened.limiter, onFailure: inEffect, release: redis.release };
    const hybrid = opened.hybrid(syncMs, inEffect === 'open');
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

/** With Redis' client, which is loaded where there is a Redis. */
async function openStore(settings: RedisConfig, log: Log): Promise<RedisStore> {
  const module = await import('./redis-store.ts');
  return new module.RedisStore(settings, log);
}
