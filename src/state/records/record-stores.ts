import { sameData } from '../../lib/same-data.ts';
import type { Log } from '../log.ts';
import type { RedisConfig } from '../schema.ts';
import type { OpenRecords, Records } from './records.ts';

/** Where records are: memory of this machine, or Redis. */
export type RecordStore = 'memory' | 'redis';

/** Records in use. */
export interface HeldRecords {
  readonly records: Records;
  /** They are not used any more. */
  release(): void;
}

/** A Redis that records can be kept in. */
interface RedisPlace {
  readonly settings: RedisConfig;
  /** Connects to it. */
  readonly open: () => OpenRecords;
}

/** The places of one configuration where a worker keeps records. Redis is connected to while somebody keeps some there. */
export class RecordStores {
  /** The same for all configurations; opened by the first who asks. */
  readonly #memory: () => Records;
  readonly #log: Log;
  readonly #place: RedisPlace | undefined;
  #redis: { readonly records: OpenRecords; holders: number } | undefined;

  /** Without `place` memory is all that there is: `with` has the others. */
  constructor(memory: () => Records, log: Log, place?: RedisPlace) {
    this.#memory = memory;
    this.#log = log;
    this.#place = place;
  }

  /** These where they are what the settings ask for, else others. With Redis' client, which is loaded where there is a Redis. */
  async with(settings: RedisConfig | undefined): Promise<RecordStores> {
    if (sameData(settings, this.#place?.settings)) return this;
    if (settings === undefined) return new RecordStores(this.#memory, this.#log);
    const { openRedisRecords } = await import('./redis/open-redis-records.ts');
    const open = (): OpenRecords => openRedisRecords(settings, this.#log);
    return new RecordStores(this.#memory, this.#log, { settings, open });
  }

  /** Default: Redis where there is one. Waits for nothing: what is asked waits for a connection. Throws where there is no Redis. */
  open(store?: RecordStore): HeldRecords {
    const place = this.#place;
    const chosen = store ?? (place === undefined ? 'memory' : 'redis');
    if (chosen === 'memory') return { records: this.#memory(), release() {} };
    if (place === undefined) throw new Error('store: redis needs state.redis');
    const redis = (this.#redis ??= { records: place.open(), holders: 0 });
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
