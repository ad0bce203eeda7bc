/** A gateway within a test: `import { startGateway } from 'portcullis/testing'`. */
import { resolve } from 'node:path';
import { formatErrors } from './control/config/format.ts';
import { type LoadedConfig, loadConfig } from './control/config/load.ts';
import type { PortcullisConfigInput } from './control/config/schema.ts';
import { systemTimers } from './lib/timers.ts';
import { Upstreams } from './main/upstreams.ts';
import type { DataPlaneConfig } from './server/config.ts';
import { ConnectionCounter } from './server/connection-counter.ts';
import { DataPlane } from './server/data-plane.ts';
import { QuotaTable } from './state/quota/quota-table.ts';
import { LocalRecords } from './state/records/memory/local-records.ts';
import { RecordTable } from './state/records/memory/record-table.ts';
import { LimitTable } from './state/shared/limit-table.ts';
import { Registry, type RegistryStorage } from './upstream/discovery/registry/registry.ts';

export interface TestGatewayOptions {
  /** Where `env:NAME` looks; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Directory that paths in a configuration given as an object are relative to; default: the working directory. */
  readonly directory?: string;
}

/** A request in the access log, as `observability.accessLog.fields` says. */
export type LoggedRequest = Readonly<Record<string, unknown>>;

export interface TestGateway extends AsyncDisposable {
  /** Address of the first listener, without a slash at the end. */
  readonly url: string;
  /** Port of a listener; of the first one where none is named. */
  port(listener?: string): number;
  /** Requests that were logged so far, in the order in which they ended; they appear within a tenth of a second. */
  readonly requests: readonly LoggedRequest[];
  /** The gateway's own log: `warn: what happened`. */
  readonly log: readonly string[];
  /** Puts another configuration into force, as a running gateway would; rejects when it is refused, and the one before stays. */
  reload(config: PortcullisConfigInput | string): Promise<void>;
  /** Ends every connection and closes the listeners. */
  close(): Promise<void>;
}

/**
 * Starts a gateway in this thread. `config` is what the file would hold, or the path of a file. Every listener is on a free
 * port of 127.0.0.1, whatever the configuration says, and there is no admin port. Rejects with an Error that names everything
 * that is wrong with the configuration.
 */
export async function startGateway(
  config: PortcullisConfigInput | string,
  options: TestGatewayOptions = {},
): Promise<TestGateway> {
  const log: string[] = [];
  const pieces: Buffer[] = [];
  const plane = new DataPlane({
    workerId: 0,
    reusePort: false,
    log: (level, message) => log.push(`${level}: ${message}`),
    accessLogSink: (batch) => pieces.push(Buffer.from(batch)),
    metricsPost: () => {},
    connectionCounters: ConnectionCounter.allocate(1),
    limitTable: LimitTable.allocate({ keys: 10_000, workers: 1 }),
    quotaTable: QuotaTable.allocate(1000),
    records: () => new LocalRecords(new RecordTable({ maxBytes: 64 * 1024 ** 2, nowMs: Date.now })),
  });
  const registry = new Registry([], { timers: systemTimers, storage: IN_MEMORY, saveFailed: () => {} });
  const upstreams = new Upstreams({
    registry,
    directory: resolve(options.directory ?? '.'),
    env: options.env ?? process.env,
    log: (level, message) => log.push(`${level}: ${message}`),
    publish: (news) => plane.receive(news),
    ejected: () => {},
  });
  let protocol = 'http';
  const reload = async (next: PortcullisConfigInput | string): Promise<void> => {
    const loaded = await load(next, options);
    const services = await upstreams.control.prepare(loaded.dataPlane.services);
    try {
      plane.commit(await plane.prepare(forTest(await withStandIns(loaded))));
    } catch (error) {
      upstreams.control.discard(services);
      throw error;
    }
    upstreams.control.commit(services);
    protocol = Object.values(loaded.dataPlane.listeners)[0]?.protocol ?? 'http';
  };
  try {
    await reload(config);
  } catch (error) {
    await upstreams.close();
    throw error;
  }
  const port = (listener?: string): number => {
    const name = listener ?? Object.keys(plane.addresses)[0] ?? '';
    const bound = plane.addresses[name];
    if (bound === undefined) throw new Error(`there is no listener ${JSON.stringify(name)}`);
    return bound.port;
  };
  const close = async (): Promise<void> => {
    await plane.drain(0);
    await upstreams.close();
  };
  return {
    get url() {
      return `${protocol}://127.0.0.1:${port()}`;
    },
    port,
    get requests() {
      return parseLines(Buffer.concat(pieces).toString('utf8'));
    },
    log,
    reload,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A test's registrations end with it. */
const IN_MEMORY: RegistryStorage = { write: () => Promise.resolve(undefined) };

async function load(
  config: PortcullisConfigInput | string,
  options: TestGatewayOptions,
): Promise<LoadedConfig> {
  const loaded =
    typeof config === 'string'
      ? await loadConfig(config, { env: options.env })
      : await loadConfig(resolve(options.directory ?? '.', 'portcullis.json'), {
          env: options.env,
          text: JSON.stringify(config),
        });
  if (!loaded.ok) throw new Error(formatErrors(loaded.errors));
  return loaded.config;
}

/** Nothing is ordered in a test: what would come by ACME is what a gateway serves until it does. */
async function withStandIns({ dataPlane, acme }: LoadedConfig): Promise<DataPlaneConfig> {
  const wanted = Object.entries(acme);
  if (wanted.length === 0) return dataPlane;
  const { makeStandIn } = await import('./control/acme/certificate-maker.ts');
  const pairs = wanted.map(
    async ([name, { hosts }]) => [name, await makeStandIn(hosts, Date.now())] as const,
  );
  const standIns = Object.fromEntries(await Promise.all(pairs));
  return { ...dataPlane, certificates: { ...dataPlane.certificates, ...standIns } };
}

/** Free ports, and an access log that can be read back. */
function forTest(config: DataPlaneConfig): DataPlaneConfig {
  const listeners = Object.entries(config.listeners).map(([name, listener]) => [
    name,
    { ...listener, address: '127.0.0.1', port: 0 },
  ]);
  const accessLog = { ...config.observability.accessLog, format: 'json' as const };
  return {
    ...config,
    listeners: Object.fromEntries(listeners),
    observability: { ...config.observability, accessLog },
  };
}

function parseLines(text: string): LoggedRequest[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LoggedRequest);
}
