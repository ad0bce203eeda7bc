import type { SecureContext } from 'node:tls';
import type { TargetAddress } from '../address.ts';
import type { ServiceConfig } from '../schema.ts';
import { clientTls } from '../tls.ts';
import type { PoolSettings } from './pool.ts';

/** Bounds of an upstream's head: larger than a client's, since answers carry cookies and policies. */
const HEAD_LIMITS = { head: 64 * 1024, fields: 200 };

/** What the connections to one target of a service have in common. `secureContext` is for a target that is asked by TLS. */
export function poolSettings(
  { host, port }: TargetAddress,
  { timeouts, connections, tls }: Pick<ServiceConfig, 'timeouts' | 'connections' | 'tls'>,
  secureContext: SecureContext | undefined,
): PoolSettings {
  return {
    host,
    port,
    tls: secureContext && clientTls(host, tls, secureContext),
    connectMs: timeouts.connect,
    firstByteMs: timeouts.firstByte,
    idleMs: timeouts.idle,
    tunnelIdleMs: timeouts.tunnelIdle,
    keepMs: connections.idleTimeout,
    lifetimeMs: connections.lifetime,
    limits: HEAD_LIMITS,
    max: connections.max,
    pending: connections.pending,
    idle: connections.idle,
  };
}
