import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { GatewayControl } from '../control/admin/endpoints.ts';
import { redact } from '../control/admin/redact.ts';
import { AdminServer } from '../control/admin/server.ts';
import { type LoadedConfig, loadConfig } from '../control/config/load.ts';
import type { ConfigError } from '../control/config/problem.ts';
import { explainRequest } from '../control/explain/explain-request.ts';
import { Reloader, type ReloadOutcome, type ReloadTrigger } from '../control/reload/reloader.ts';
import { FileWatcher } from '../control/reload/watch.ts';
import type { DataPlaneConfig } from '../server/config.ts';
import { ConnectionCounter } from '../server/connection-counter.ts';
import { ControlMetrics } from './control-metrics.ts';
import type { ProcessLog } from './log.ts';
import type { WorkerOutput, WorkerStart } from './messages.ts';
import { type ApplyResult, Supervisor } from './supervisor.ts';
import { VERSION } from './version.ts';

/** Where access-log batches go; it follows the configuration in force. */
export interface AccessLogOutput {
  /** Throws an Error that says why when the destination cannot be opened; then the one before stays. */
  configure(config: DataPlaneConfig['observability']['accessLog']): Promise<void>;
  write(batch: Uint8Array): void;
  reopen(): void;
  readonly droppedLines: number;
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** Absolute path of the configuration. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of `runtime.workers`. */
  readonly workers: number | undefined;
  readonly log: ProcessLog;
  /** Shows errors and warnings of the configuration. */
  readonly show: (problems: readonly ConfigError[]) => void;
  readonly accessLog: AccessLogOutput;
  /** Whether the access log's standard streams show colours. */
  readonly color: boolean;
  /** The configuration as the workers get it, such as with the format of the access log decided. */
  readonly adapt: (config: DataPlaneConfig) => DataPlaneConfig;
}

/**
 * The running gateway: the workers, the admin port, and the reloads. Its life: load, start the admin port (it tells that the
 * gateway is not ready), start the workers, serve, drain.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #supervisor: Supervisor;
  readonly #reloader: Reloader<LoadedConfig, ConfigError>;
  readonly #watcher: FileWatcher;
  readonly #metrics = new ControlMetrics();
  #admin: AdminServer | undefined;
  #adminUrl: string | undefined;
  #state: 'starting' | 'ready' | 'stopping' = 'starting';

  /** Starts a gateway; undefined when it cannot, after it has said why and closed what it had opened. */
  static async start(options: GatewayOptions): Promise<Gateway | undefined> {
    const loaded = await loadConfig(options.file, { env: options.env });
    if (!loaded.ok) {
      options.show([...loaded.errors, ...loaded.warnings]);
      return undefined;
    }
    options.show(loaded.warnings);
    const gateway = new Gateway(options, loaded.config);
    try {
      await gateway.#start(loaded.config);
      return gateway;
    } catch (error) {
      options.log.main(
        'error',
        `the gateway cannot start: ${error instanceof Error ? error.message : String(error)}`,
      );
      await gateway.abort();
      return undefined;
    }
  }

  private constructor(options: GatewayOptions, config: LoadedConfig) {
    this.#options = options;
    const workers = workerCount(options.workers ?? config.runtime.workers);
    const connectionCounters = ConnectionCounter.allocate(workers);
    this.#supervisor = new Supervisor({
      workers,
      reusePort: REUSE_PORT,
      spawn: (workerId) =>
        spawnWorker({ workerId, reusePort: REUSE_PORT, color: options.color, connectionCounters }),
      log: options.log.main,
      deliver: (workerId, output) => this.#receive(workerId, output),
      onDeath: (workerId) => new ConnectionCounter(connectionCounters, workerId).reset(),
    });
    this.#reloader = new Reloader(config, {
      load: () => loadConfig(options.file, { env: options.env }),
      apply: (next) => this.#apply(next),
      show: options.show,
      log: options.log.main,
      onOutcome: (outcome, current) => this.#afterReload(outcome, current),
    });
    this.#watcher = new FileWatcher(() => void this.reload('file change'));
  }

  /** The configuration in force. */
  get config(): LoadedConfig {
    return this.#reloader.current;
  }

  /** Never rejects; the log tells the outcome. */
  reload(trigger: ReloadTrigger): Promise<ReloadOutcome<ConfigError>> {
    return this.#reloader.reload(trigger);
  }

  /** Opens the access log's file anew, after a tool has moved the old one away. */
  reopenLogs(): void {
    this.#options.accessLog.reopen();
  }

  /** Takes no more connections, lets requests finish within `runtime.drainTimeout`, then closes everything. */
  async stop(): Promise<void> {
    if (this.#state === 'stopping') return;
    this.#state = 'stopping';
    const limitMs = this.config.runtime.drainTimeout;
    this.#options.log.main('info', `draining: requests have ${limitMs / 1000} s to finish`);
    this.#watcher.close();
    await this.#supervisor.drain(limitMs);
    // Until here it answers that the gateway is not ready.
    await this.#admin?.close();
    await this.#options.accessLog.close();
    this.#options.log.main('info', 'stopped');
  }

  /** Closes everything at once. */
  async abort(): Promise<void> {
    this.#state = 'stopping';
    this.#watcher.close();
    await this.#supervisor.close();
    await this.#admin?.close();
    await this.#options.accessLog.close();
  }

  async #start(config: LoadedConfig): Promise<void> {
    // Before the workers come up, so that a change meanwhile is noticed.
    this.#watcher.watch(config.files);
    if (config.admin.enabled) await this.#listenAdmin(config);
    const applied = await this.#apply(config);
    if (!applied.ok) throw new Error(applied.reasons.join('; '));
    this.#state = 'ready';
    this.#options.log.main('info', 'ready', {
      version: VERSION,
      workers: this.#supervisor.status().workers,
      ...this.#listenerUrls(),
      ...(this.#adminUrl === undefined ? {} : { admin: this.#adminUrl }),
    });
  }

  async #listenAdmin(config: LoadedConfig): Promise<void> {
    const { address, port } = config.admin;
    this.#admin = new AdminServer({
      address,
      port,
      hosts: [],
      gateway: this.#control(),
      log: this.#options.log.main,
    });
    try {
      this.#adminUrl = urlOf('http', await this.#admin.listen());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`the admin port cannot be opened: ${reason}`, { cause: error });
    }
  }

  #control(): GatewayControl {
    return {
      version: VERSION,
      ready: () => this.#state === 'ready' && this.#supervisor.status().serving > 0,
      metrics: () => this.#metricsText(),
      reload: () => this.reload('admin'),
      config: () => {
        const { dataPlane, admin, runtime } = this.config;
        return redact({ ...dataPlane, admin, runtime });
      },
      explain: (question) => explainRequest(this.config, question),
    };
  }

  #metricsText(): string {
    const { workers, serving, deaths } = this.#supervisor.status();
    const { droppedLines } = this.#options.accessLog;
    return this.#metrics.text({ version: VERSION, workers, serving, deaths, droppedLogLines: droppedLines });
  }

  async #apply(config: LoadedConfig): Promise<ApplyResult> {
    const dataPlane = this.#options.adapt(config.dataPlane);
    const applied = await this.#supervisor.apply(dataPlane);
    if (!applied.ok) return applied;
    try {
      await this.#options.accessLog.configure(dataPlane.observability.accessLog);
    } catch (error) {
      this.#options.log.main('error', 'the access log stays where it was', error);
    }
    return applied;
  }

  #afterReload(outcome: ReloadOutcome<ConfigError>, current: LoadedConfig): void {
    this.#metrics.reloaded(outcome.kind);
    const others = outcome.kind === 'refused' ? outcome.files : [];
    this.#watcher.watch([...new Set([...current.files, ...others])]);
  }

  #receive(workerId: number, output: WorkerOutput): void {
    switch (output.kind) {
      case 'accessLog':
        this.#options.accessLog.write(output.batch);
        return;
      case 'log':
        this.#options.log.worker(workerId)(output.level, output.message, output.detail);
        return;
      case 'metrics':
        return;
    }
  }

  /** `listener.http: http://0.0.0.0:8080` for each. */
  #listenerUrls(): Record<string, string> {
    const { listeners } = this.config.dataPlane;
    return Object.fromEntries(
      Object.entries(this.#supervisor.addresses).map(([name, bound]) => [
        `listener.${name}`,
        urlOf(listeners[name]?.protocol ?? 'http', bound),
      ]),
    );
  }
}

/** Several threads on one port need SO_REUSEPORT with load balancing; Node.js refuses it elsewhere. */
const REUSE_PORT = process.platform === 'linux';

function workerCount(wanted: number): number {
  if (!REUSE_PORT) return 1;
  return wanted === 0 ? availableParallelism() : wanted;
}

function spawnWorker(start: WorkerStart): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(fileURLToPath(new URL(`./worker.${extension}`, import.meta.url)), {
    name: `portcullis worker ${start.workerId}`,
    workerData: start,
  });
}

function urlOf(
  scheme: string,
  { address, port }: { readonly address: string; readonly port: number },
): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
