import type { Log } from '../../log.ts';
import { topologyOf } from '../../redis/topology-of.ts';
import type { RedisConfig } from '../../schema.ts';
import type { OpenRecords } from '../records.ts';
import { RedisRecords } from './redis-records.ts';

/** Records in the Redis of the settings. Waits for nothing: what is asked waits for a connection. */
export function openRedisRecords(settings: RedisConfig, log: Log): OpenRecords {
  const { prefix, recordsTimeout, connectTimeout } = settings;
  return new RedisRecords({
    topology: topologyOf(settings),
    prefix,
    timeoutMs: recordsTimeout,
    connectTimeoutMs: connectTimeout,
    log,
  });
}
