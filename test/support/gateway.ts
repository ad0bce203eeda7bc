import { inspect } from 'node:util';
import { MetricsHub } from '../../src/observability/metrics-hub.ts';
import { observabilitySchema } from '../../src/observability/schema.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { ConnectionCounter } from '../../src/server/connection-counter.ts';
import { DataPlane } from '../../src/server/data-plane.ts';
import { listenerSchema } from '../../src/server/schema.ts';
import { QuotaTable } from '../../src/state/quota/quota-table.ts';
import { LocalRecords } from '../../src/state/records/memory/local-records.ts';
import { RecordTable } from '../../src/state/records/memory/record-table.ts';
import { LimitTable } from '../../src/state/shared/limit-table.ts';
import type { RetryContext } from '../../src/upstream/retry/policy.ts';
import { serviceSchema } from '../../src/upstream/schema.ts';

/** Written as in a configuration file. */
type Written = Readonly<Record<string, unknown>>;

/** One worker's data plane in this process, with one listener in front of one service. */
export interface TestGateway extends AsyncDisposable {
  readonly port: number;
  readonly dataPlane: DataPlane;
  /** Lines of the gateway's own log, warnings and worse. */
  readonly warnings: readonly string[];
  /** Objects of the access log, one per request that ended. */
  accessLog(): readonly Readonly<Record<string, unknown>>[];
  /** What /metrics would show. */
  metrics(): string;
  close(): Promise<void>;
}

/**
 * Starts a gateway on a free port that sends every request to `url`. `listener` and `service` are parts of the configuration,
 * as a file would have them.
 */
export function startGatewayBefore(
  url: string,
  listener: Written = {},
  service: Written = {},
  certificates: DataPlaneConfig['certificates'] = {},
): Promise<TestGateway> {
  return startGatewayWith(configBefore(url, listener, service, certificates));
}

/**
 * Starts a gateway with any configuration that has a listener `main`. `retries` gives it another clock, chance or budget for these,
 * `bodyMemoryBytes` less memory for bodies.
 */
export async function startGatewayWith(
  config: DataPlaneConfig,
  retries: Partial<RetryContext> = {},
  bodyMemoryBytes?: number,
): Promise<TestGateway> {
  const warnings: string[] = [];
  const logged: Buffer[] = [];
  const hub = new MetricsHub({ version: 'test', ...config.observability.metrics });
  const dataPlane = new DataPlane({
    workerId: 0,
    reusePort: false,
    log: (level, message, detail) => {
      if (level === 'warn' || level === 'error')
        warnings.push(detail === undefined ? message : `${message} ${inspect(detail)}`);
    },
    accessLogSink: (batch) => logged.push(Buffer.from(batch)),
    metricsPost: (message) => hub.receive(0, message),
    connectionCounters: ConnectionCounter.allocate(1),
    limitTable: LimitTable.allocate({ keys: 10_000, workers: 1 }),
    quotaTable: QuotaTable.allocate(1000),
    records: () => new LocalRecords(new RecordTable({ maxBytes: 64 * 1024 ** 2, nowMs: Date.now })),
    retries,
    bodyMemoryBytes,
  });
  dataPlane.commit(await dataPlane.prepare(config));
  const close = () => dataPlane.drain(0);
  return {
    port: dataPlane.addresses['main']?.port as number,
    dataPlane,
    warnings,
    accessLog: () => parseLines(Buffer.concat(logged).toString()),
    metrics: () => hub.render(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The configuration of `startGatewayBefore`. */
export function configBefore(
  url: string,
  listener: Written = {},
  service: Written = {},
  certificates: DataPlaneConfig['certificates'] = {},
): DataPlaneConfig {
  return {
    listeners: { main: listenerSchema.parse({ address: '127.0.0.1', port: 0, ...listener }) },
    certificates,
    services: { main: { ...serviceSchema.parse(service), targets: [{ url, weight: 1 }] } },
    routes: { main: { ...routeSchema.parse({ match: { paths: ['/*'] }, service: 'main' }), policies: [] } },
    policies: [],
    lists: {},
    observability: observabilitySchema.parse({ accessLog: { format: 'json' } }),
  };
}

function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
