import type { RedisClientOptions } from '@redis/client';
import type { RedisConfig } from '../schema.ts';

/** How Redis is reached. Times are milliseconds. */
export type RedisSettings = Pick<RedisConfig, 'url' | 'timeout' | 'connectTimeout' | 'tls'>;

/** Commands without an answer: beyond them a request is told at once that there is none. */
const MAX_WAITING = 10_000;

export function clientOptions({ url, connectTimeout, tls }: RedisSettings): RedisClientOptions {
  return {
    url,
    // A signal for each command costs as much as the command; who asks has a deadline.
    commandOptions: { timeout: 0 },
    commandsQueueMaxLength: MAX_WAITING,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout,
      reconnectStrategy: false,
      ...(url.startsWith('rediss:') ? { tls: true, ...tlsOptions(tls) } : {}),
    },
  };
}

function tlsOptions(tls: RedisConfig['tls']) {
  if (tls === undefined) return {};
  const { serverName, ca, cert, key, verify } = tls;
  return {
    rejectUnauthorized: verify,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** A server that does not know a command, as one before Redis 6, repeats what it was sent: the password, too. */
export function withoutPassword(cause: unknown, url: string): unknown {
  const password = decodeURIComponent(new URL(url).password);
  if (password === '' || !(cause instanceof Error) || !cause.message.includes(password)) return cause;
  return new Error(cause.message.replaceAll(password, '***'));
}
