import { inspect } from 'node:util';
import type { RedisClientOptions } from '@redis/client';
import type { RedisConfig } from '../schema.ts';

/** How a server is reached. Times are milliseconds. */
export type RedisSettings = Pick<RedisConfig, 'timeout' | 'connectTimeout' | 'tls'> & {
  readonly url: string;
};

/** Commands without an answer: beyond them a request is told at once that there is none. */
const MAX_WAITING = 10_000;

export function clientOptions(settings: Omit<RedisSettings, 'timeout'>): RedisClientOptions {
  const { url } = settings;
  return { url, ...commonOptions(settings, isSecure(url)) };
}

/** Without an address. `secure`: with TLS. */
export function commonOptions(
  { connectTimeout, tls }: Pick<RedisSettings, 'connectTimeout' | 'tls'>,
  secure: boolean,
) {
  return {
    // A signal for each command costs as much as the command; who asks has a deadline.
    commandOptions: { timeout: 0 },
    commandsQueueMaxLength: MAX_WAITING,
    disableOfflineQueue: true,
    maintNotifications: 'disabled' as const,
    socket: {
      connectTimeout,
      reconnectStrategy: false as const,
      ...(secure ? { tls: true as const, ...tlsOptions(tls) } : {}),
    },
  };
}

/** Whether a url asks for TLS. */
export function isSecure(url: string): boolean {
  return url.startsWith('rediss:');
}

/** Of the user that a url names; undefined for none. */
export function passwordOf(url: string): string | undefined {
  return decodeURIComponent(new URL(url).password) || undefined;
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
export function withoutPasswords(cause: unknown, passwords: readonly (string | undefined)[]): unknown {
  if (!(cause instanceof Error)) return cause;
  // Also within what caused it.
  const whole = inspect(cause);
  const told = passwords.filter((password) => password !== undefined && whole.includes(password));
  if (told.length === 0) return cause;
  const message = told.reduce<string>(
    (text, password) => text.replaceAll(password ?? '', '***'),
    cause.message,
  );
  return new Error(message);
}
