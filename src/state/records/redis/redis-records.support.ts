import { inspect } from 'node:util';
import type { Topology } from '../../redis/topology.ts';
import type { PlayedRecords } from '../records.support.ts';
import { REAL_TIME } from '../records.support.ts';
import { RedisRecords } from './redis-records.ts';

/** Two nodes with records in one Redis. What they would log is in `logged`. */
export interface RedisPlay extends PlayedRecords {
  readonly records: RedisRecords;
  readonly others: RedisRecords;
  readonly logged: readonly string[];
  close(): Promise<void>;
}

/** Resolves when both hear the news. */
export async function playRedis(
  topology: () => Topology,
  prefix: string,
  times: { readonly timeoutMs: number; readonly connectTimeoutMs: number } = {
    timeoutMs: 5000,
    connectTimeoutMs: 5000,
  },
): Promise<RedisPlay> {
  const logged: string[] = [];
  const open = (): RedisRecords =>
    new RedisRecords({
      topology: topology(),
      prefix,
      ...times,
      log: (level, message, detail) => logged.push(`${level}: ${message} ${inspect(detail)}`),
    });
  const [records, others] = [open(), open()];
  await Promise.all([isLive(records), isLive(others)]);
  return {
    records,
    others,
    logged,
    ...REAL_TIME,
    async close() {
      await records.close();
      await others.close();
    },
  };
}

/** Resolves when news are heard. */
export async function isLive(records: RedisRecords): Promise<void> {
  if (records.isLive) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = records.onChange((key) => key === undefined && resolve());
  await promise;
  end();
}
