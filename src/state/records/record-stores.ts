import { sameData } from '../../lib/same-data.ts';
import type { RedisConfig } from '../schema.ts';
import type { OpenRecords, Records } from './records.ts';
import { RedisRecords } from './redis/redis-records.ts';
import { topologyOf } from './redis/topology-of.ts';

/** Where records are: memory of this machine, or Redis. */
export type RecordStore = 'memory' | 'redis';

export type Log = (level: 'info' | 'warn', message: string, detail?: unknown) => void;

/** Records in use. */
export interface HeldRecords {
  readonly records: Records;
  /** They are not used any more. */
  release(): void;
}

/** The places of one configuration where a worker keeps records. Redis is connected to while somebody keeps some there. */
export class RecordStores {
  /** The same for all configurations; opened by the first who asks. */
  readonly #memory: () => Records;
  readonly #settings: RedisConfig | undefined;
  readonly #log: Log;
  #redis: { readonly records: OpenRecords; holders: number } | undefined;

  constructor(memory: () => Records, settings: RedisConfig | undefined, log: Log) {
    this.#memory = memory;
    this.#settings = settings;
    this.#log = log;
  }

  /** These where they are what the settings ask for, else others. */
  with(settings: RedisConfig | undefined): RecordStores {
    return sameData(settings, this.#settings) ? this : new RecordStores(this.#memory, settings, this.#log);
  }

  /** Default: Redis where there is one. Waits for nothing: what is asked waits for a connection. Throws where there is no Redis. */
  open(store?: RecordStore): HeldRecords {
    const settings = this.#settings;
    const chosen = store ?? (settings === undefined ? 'memory' : 'redis');
    if (chosen === 'memory') return { records: this.#memory(), release() {} };
    if (settings === undefined) throw new Error('store: redis needs state.redis');
    const redis = (this.#redis ??= { records: openRedis(settings, this.#log), holders: 0 });
    redis.holders++;
    let isHeld = true;
    return {
      records: redis.records,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--redis.holders === 0) this.close();
      },
    };
  }

  /** Whoever still holds records is told that they are closed. */
  close(): void {
    void this.#redis?.records.close();
    this.#redis = undefined;
  }
}

function openRedis(settings: RedisConfig, log: Log): OpenRecords {
  const { prefix, recordsTimeout, connectTimeout } = settings;
  const topology = topologyOf(settings);
  return new RedisRecords({
    topology,
    prefix,
    timeoutMs: recordsTimeout,
    connectTimeoutMs: connectTimeout,
    log,
  });
}
