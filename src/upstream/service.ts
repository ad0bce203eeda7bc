import { createSecureContext } from 'node:tls';
import type { FieldNames } from '../http/field-names.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import { Pool, type PoolObserver, type PoolSettings } from './pool/pool.ts';
import { type RetryContext, RetryPolicy } from './retry/policy.ts';
import type { ServiceConfig } from './schema.ts';
import { Target } from './target.ts';

/** A service whose `url` became `targets`. */
export type ServiceSettings = Omit<ServiceConfig, 'url' | 'targets'> & {
  readonly targets: readonly { readonly url: string; readonly weight: number }[];
};

interface WeightedTarget {
  readonly target: Target;
  readonly weight: number;
  /** Of smooth weighted round robin. */
  current: number;
}

/** Bounds of an upstream's head: larger than a client's, since answers carry cookies and policies. */
const HEAD_LIMITS = { head: 64 * 1024, fields: 200 };

export interface ServiceContext {
  readonly deadlines: Deadlines;
  readonly names: FieldNames;
  readonly retries: RetryContext;
  observer(service: string): PoolObserver;
}

/** Where one service runs, with this worker's connections to it. Lives on through reloads that do not change it. */
export class Service {
  readonly name: string;
  readonly settings: ServiceSettings;
  /** undefined when nothing but a stale connection is tried again. */
  readonly retryPolicy: RetryPolicy | undefined;
  readonly #targets: WeightedTarget[];
  readonly #totalWeight: number;

  constructor(name: string, settings: ServiceSettings, context: ServiceContext) {
    this.name = name;
    this.settings = settings;
    const { retry, hedge } = settings;
    this.retryPolicy =
      retry === undefined && hedge === undefined
        ? undefined
        : new RetryPolicy(retry, hedge, context.deadlines, context.retries);
    const observer = context.observer(name);
    this.#targets = settings.targets
      .filter((target) => target.weight > 0)
      .map(({ url, weight }) => {
        const at = new URL(url);
        const port = Number(at.port || (at.protocol === 'https:' ? 443 : 80));
        const pool = new Pool(poolSettings(at, port, settings), context.deadlines, context.names, observer);
        return { target: new Target(`${at.hostname}:${port}`, at.host, pool), weight, current: 0 };
      });
    this.#totalWeight = this.#targets.reduce((sum, { weight }) => sum + weight, 0);
  }

  /**
   * The next target, by smooth weighted round robin: each gets its share, and a heavy one is not asked many times in a row. It is none of
   * `tried`, which names none twice, while there is another. undefined when every weight is 0.
   */
  pick(tried: readonly Target[] = NONE): Target | undefined {
    const targets = this.#targets;
    if (targets.length === 1) return targets[0]?.target;
    const excluded = tried.length < targets.length ? tried : NONE;
    let best: WeightedTarget | undefined;
    for (let i = 0; i < targets.length; i++) {
      const entry = targets[i] as WeightedTarget;
      entry.current += entry.weight;
      if (excluded.length > 0 && excluded.includes(entry.target)) continue;
      if (best === undefined || entry.current > best.current) best = entry;
    }
    if (best === undefined) return undefined;
    best.current -= this.#totalWeight;
    return best.target;
  }

  /** No configuration uses this service any more. */
  retire(): void {
    for (const { target } of this.#targets) target.pool.retire();
  }
}

const NONE: readonly Target[] = [];

function poolSettings(at: URL, port: number, settings: ServiceSettings): PoolSettings {
  const { timeouts, connections, tls } = settings;
  // A URL keeps the brackets of an IPv6 address; a socket does not want them.
  const host = at.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port,
    tls:
      at.protocol === 'https:'
        ? {
            servername: tls?.serverName ?? (/^[\d.]+$|:/.test(host) ? '' : host),
            // Made once, here: a certificate that OpenSSL refuses is refused with its configuration, not at the first request.
            secureContext: createSecureContext({ ca: tls?.ca, cert: tls?.cert, key: tls?.key }),
            rejectUnauthorized: tls?.verify ?? true,
            ALPNProtocols: ['http/1.1'],
          }
        : undefined,
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
