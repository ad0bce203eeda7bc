import type { TestRedis } from '../../../test/support/redis.ts';
import type { RedisConfig } from '../schema.ts';
import { RedisConnection } from './connection.ts';
import { RedisLimiter } from './redis-limiter.ts';
import { decisionScript, type Script } from './script.ts';

/** A limiter of one worker, connected. What it would log is in `logged`. */
export interface RedisWorker {
  readonly limiter: RedisLimiter;
  readonly connection: RedisConnection;
  readonly logged: string[];
  close(): Promise<void>;
}

interface WorkerOptions {
  readonly timeout?: number;
  readonly connectTimeout?: number;
  readonly script?: Script;
  readonly tls?: RedisConfig['tls'];
}

export async function connectWorker(
  redis: Pick<TestRedis, 'url' | 'prefix'>,
  { timeout = 2000, connectTimeout = 2000, script = decisionScript(), tls }: WorkerOptions = {},
): Promise<RedisWorker> {
  const logged: string[] = [];
  const settings = { url: redis.url, timeout, connectTimeout, ...(tls === undefined ? {} : { tls }) };
  const connection = new RedisConnection(settings, script, (level, message) =>
    logged.push(`${level}: ${message}`),
  );
  await connection.ready();
  const limiter = new RedisLimiter(connection, redis.prefix);
  return {
    limiter,
    connection,
    logged,
    close() {
      limiter.close();
      return connection.close();
    },
  };
}

/** A clock in Redis that tests move, in place of its own. Nothing is forgotten while they take their time. */
export function movedClock(prefix: string): { readonly key: string; readonly script: Script } {
  const key = `${prefix}now`;
  const script = decisionScript(`local now = tonumber(redis.call('GET', '${key}'))\nlocal spare = 3600000`);
  return { key, script };
}
