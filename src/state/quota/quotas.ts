import { sameData } from '../../lib/same-data.ts';
import { SharedUse } from '../../lib/shared-use.ts';
import type { OnFailure } from '../limiters.ts';
import type { Log } from '../log.ts';
import type { RedisConfig } from '../schema.ts';
import type { QuotaCounter } from './quota.ts';
import type { ConnectedQuotas } from './redis-quotas.ts';

/** A counter in use. */
export interface HeldQuotas {
  readonly counter: QuotaCounter;
  /** What becomes of requests that nobody decided about. */
  readonly onFailure: OnFailure;
  /** It is not used any more. */
  release(): void;
}

/** Where a worker counts quotas by one configuration: Redis where there is one, else memory. Redis is connected to while somebody counts. */
export class Quotas {
  readonly #memory: QuotaCounter;
  readonly #settings: RedisConfig | undefined;
  readonly #log: Log;
  readonly #onFailure: OnFailure;
  readonly #redis: SharedUse<Promise<ConnectedQuotas>> | undefined;

  /** `onFailure`: what becomes of requests for which there is no place in memory. */
  constructor(
    memory: QuotaCounter,
    settings: RedisConfig | undefined,
    log: Log,
    onFailure: OnFailure = 'open',
  ) {
    this.#memory = memory;
    this.#settings = settings;
    this.#log = log;
    this.#onFailure = onFailure;
    if (settings !== undefined)
      this.#redis = new SharedUse(
        () => connect(settings, log),
        (connected) => void connected.then(({ connection }) => connection.close()),
      );
  }

  /** These where they are what the settings ask for, else others. */
  with(settings: RedisConfig | undefined, onFailure: OnFailure = 'open'): Quotas {
    return sameData(settings, this.#settings) && onFailure === this.#onFailure
      ? this
      : new Quotas(this.#memory, settings, this.#log, onFailure);
  }

  /** Waits for Redis as long as connecting may take. */
  async open(): Promise<HeldQuotas> {
    if (this.#redis === undefined || this.#settings === undefined)
      return { counter: this.#memory, onFailure: this.#onFailure, release() {} };
    const { value, release } = this.#redis.use();
    const { connection, counter } = await value;
    await connection.ready();
    return { counter, onFailure: this.#settings.onFailure, release };
  }
}

/** With Redis' client, which is loaded where there is a Redis. */
async function connect(settings: RedisConfig, log: Log): Promise<ConnectedQuotas> {
  const { connectQuotas } = await import('./redis-quotas.ts');
  return connectQuotas(settings, log);
}
