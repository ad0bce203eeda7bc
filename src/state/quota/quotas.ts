import { sameData } from '../../lib/same-data.ts';
import type { Log, OnFailure } from '../limiters.ts';
import { RedisConnection } from '../redis/connection.ts';
import type { RedisServerConfig } from '../schema.ts';
import type { QuotaCounter } from './quota.ts';
import { quotaScript } from './quota-script.ts';
import { RedisQuotas } from './redis-quotas.ts';

/** A counter in use. */
export interface HeldQuotas {
  readonly counter: QuotaCounter;
  /** What becomes of requests that nobody decided about. */
  readonly onFailure: OnFailure;
  /** It is not used any more. */
  release(): void;
}

interface Connected {
  readonly connection: RedisConnection;
  readonly counter: RedisQuotas;
  holders: number;
}

/** Where a worker counts quotas by one configuration: Redis where there is one, else memory. Redis is connected to while somebody counts. */
export class Quotas {
  readonly #memory: QuotaCounter;
  readonly #settings: RedisServerConfig | undefined;
  readonly #log: Log;
  #redis: Connected | undefined;

  constructor(memory: QuotaCounter, settings: RedisServerConfig | undefined, log: Log) {
    this.#memory = memory;
    this.#settings = settings;
    this.#log = log;
  }

  /** These where they are what the settings ask for, else others. */
  with(settings: RedisServerConfig | undefined): Quotas {
    return sameData(settings, this.#settings) ? this : new Quotas(this.#memory, settings, this.#log);
  }

  /** Waits for Redis as long as connecting may take. */
  async open(): Promise<HeldQuotas> {
    const settings = this.#settings;
    if (settings === undefined) return { counter: this.#memory, onFailure: 'open', release() {} };
    const redis = (this.#redis ??= this.#connect(settings));
    redis.holders++;
    await redis.connection.ready();
    return { counter: redis.counter, onFailure: settings.onFailure, release: () => this.#release(redis) };
  }

  #connect(settings: RedisServerConfig): Connected {
    const connection = new RedisConnection(settings, quotaScript(), this.#log);
    return { connection, counter: new RedisQuotas(connection, settings.prefix), holders: 0 };
  }

  #release(redis: Connected): void {
    if (--redis.holders > 0) return;
    this.#redis = undefined;
    void redis.connection.close();
  }
}
