import { hostname } from 'node:os';
import { dirname, resolve as resolvePath } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { GatewayControl, RightsControl } from '../control/admin/endpoint.ts';
import { redact } from '../control/admin/redact.ts';
import { TlsControl } from '../control/certificates/tls-control.ts';
import type { LoadedConfig } from '../control/config/load.ts';
import type { ConfigError } from '../control/config/problem.ts';
import { explainRequest } from '../control/explain/explain-request.ts';
import { ConfigurationSource } from '../control/manager/configuration-source.ts';
import type { StoredConfiguration } from '../control/manager/stored-configuration.ts';
import { QuotaDesk } from '../control/quotas/quota-desk.ts';
import { QuotaKeeper } from '../control/quotas/quota-keeper.ts';
import { Reloader, type ReloadOutcome, type ReloadTrigger } from '../control/reload/reloader.ts';
import { recordRevision } from '../control/rights/record-revision.ts';
import { CidrSet } from '../lib/address-table.ts';
import { FileWatcher } from '../lib/file-watcher.ts';
import { messageOf } from '../lib/message-of.ts';
import { TextTable } from '../lib/text-table.ts';
import { EventLoopProbe } from '../observability/event-loop.ts';
import type { MetricsMessage } from '../observability/metrics.ts';
import { MetricsHub } from '../observability/metrics-hub.ts';
import { isTextKind } from '../policies/address-lists.ts';
import type { DataPlaneConfig } from '../server/config.ts';
import { ConnectionCounter } from '../server/connection-counter.ts';
import { QuotaTable } from '../state/quota/quota-table.ts';

import { LimitTable } from '../state/shared/limit-table.ts';
import type { PreparedServices } from '../upstream/control/upstream-control.ts';
import type { Registry } from '../upstream/discovery/registry/registry.ts';
import { Acme } from './acme.ts';
import { acmeMetrics } from './acme-metrics.ts';
import { AdminPort } from './admin-port.ts';
import { changedSettings, type FixedSettings, fixedSettings, withFixed } from './fixed-settings.ts';
import type { ProcessLog } from './log.ts';
import type { WorkerOutput } from './messages.ts';
import { NodeRecords } from './node-records.ts';
import { supervisionMetrics } from './supervision-metrics.ts';
import { type ApplyResult, Supervisor } from './supervisor.ts';
import { tlsMetrics } from './tls-metrics.ts';
import { upstreamMetrics } from './upstream-metrics.ts';
import { openRegistry, Upstreams } from './upstreams.ts';
import { VERSION } from './version.ts';
import { REUSE_PORT, spawnWorker, workerCount } from './worker-threads.ts';

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
  /** Where the configuration has errors, wait for a change and look again until this is aborted; undefined: give up. */
  readonly waitForRepair: AbortSignal | undefined;
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
  readonly #metrics: MetricsHub;
  readonly #probe: EventLoopProbe;
  readonly #tls: TlsControl;
  readonly #upstreams: Upstreams;
  readonly #quotas: QuotaKeeper;
  readonly #quotaDesk: QuotaDesk;
  readonly #limits: LimitTable;
  readonly #records: NodeRecords;
  readonly #source: ConfigurationSource;
  readonly #manager: StoredConfiguration;
  readonly #acme: Acme;
  /** What cannot change while the process lives. */
  readonly #fixed: FixedSettings;
  readonly #aborted = new AbortController();
  #lastReloadOk = true;
  #admin: AdminPort | undefined;
  #state: 'starting' | 'ready' | 'stopping' = 'starting';

  /** Starts a gateway; undefined when it cannot, after it has said why and closed what it had opened. */
  static async start(options: GatewayOptions): Promise<Gateway | undefined> {
    const { file, env, log } = options;
    const source = new ConfigurationSource({ file, env, log: log.main });
    let loaded = await source.load();
    while (!loaded.ok) {
      options.show([...loaded.errors, ...loaded.warnings]);
      const { waitForRepair } = options;
      if (waitForRepair === undefined || waitForRepair.aborted) {
        await source.close();
        return undefined;
      }
      // Watched first, told then: who reads the line may change the file at once.
      const changed = changeOf(loaded.files, waitForRepair);
      log.main('info', 'waiting for a change of the configuration');
      await changed;
      if (waitForRepair.aborted) {
        await source.close();
        return undefined;
      }
      loaded = await source.load();
    }
    options.show(loaded.warnings);
    let gateway: Gateway | undefined;
    try {
      const registryFile = resolvePath(dirname(file), loaded.config.runtime.registryFile);
      const registry = await openRegistry(registryFile, log.main);
      gateway = new Gateway(options, loaded.config, source, registry);
      await gateway.#start(loaded.config);
      return gateway;
    } catch (error) {
      log.main('error', `the gateway cannot start: ${messageOf(error)}`);
      await gateway?.abort();
      await source.close();
      return undefined;
    }
  }

  private constructor(
    options: GatewayOptions,
    config: LoadedConfig,
    source: ConfigurationSource,
    registry: Registry,
  ) {
    this.#options = options;
    this.#source = source;
    this.#fixed = fixedSettings(config);
    this.#metrics = new MetricsHub({
      version: VERSION,
      ...config.dataPlane.observability.metrics,
      accessLogDroppedLines: () => options.accessLog.droppedLines,
    });
    this.#upstreams = new Upstreams({
      registry,
      directory: dirname(options.file),
      env: options.env,
      log: options.log.main,
      publish: (news) => this.#supervisor.tell(news),
      ejected: (service, rule, verdict) => this.#metrics.ejected(service, rule, verdict),
    });
    this.#tls = new TlsControl({
      publish: (news) => this.#supervisor.tell(news),
      log: options.log.main,
    });
    this.#probe = new EventLoopProbe((delay, busy) => this.#metrics.eventLoop('main', delay, busy));
    const workers = workerCount(options.workers ?? config.runtime.workers);
    const connectionCounters = ConnectionCounter.allocate(workers);
    const limitTable = LimitTable.allocate({ ...config.state.memory, workers });
    this.#limits = new LimitTable(limitTable, 0);
    const { quotas, quotaFile } = config.state.memory;
    const quotaTable = QuotaTable.allocate(quotas);
    const table = new QuotaTable(quotaTable, 0);
    this.#quotas = new QuotaKeeper({
      table,
      path: resolvePath(dirname(options.file), quotaFile),
      log: options.log.main,
      nowMs: Date.now,
    });
    this.#quotaDesk = new QuotaDesk({
      table,
      keeper: this.#quotas,
      plans: () => this.config.dataPlane.plans,
      redis: () => this.config.state.redis,
      log: options.log.main,
      nowMs: Date.now,
    });
    this.#records = new NodeRecords({
      memory: config.state.memory,
      directory: dirname(options.file),
      log: options.log.main,
    });
    this.#supervisor = new Supervisor({
      workers,
      reusePort: REUSE_PORT,
      spawn: (workerId) =>
        spawnWorker({
          workerId,
          reusePort: REUSE_PORT,
          color: options.color,
          connectionCounters,
          limitTable,
          quotaTable,
          records: this.#records.connect(),
        }),
      log: options.log.main,
      deliver: (workerId, output) => this.#receive(workerId, output),
      greeting: () => [...this.#upstreams.control.current(), ...this.#tls.news(), ...this.#acme.news()],
      onDeath: (workerId) => {
        this.#upstreams.control.forgetWorker(workerId);
        new ConnectionCounter(connectionCounters, workerId).reset();
        this.#limits.forgetWorker(workerId);
        table.locks.forgetWorker(workerId + 1);
        this.#metrics.detach(workerId);
        if (this.#state !== 'stopping') this.#metrics.workerRestarted();
      },
    });
    this.#acme = new Acme({
      connection: () => source.connection,
      log: options.log.main,
      publish: (news) => this.#supervisor.tell(news),
      changed: () => this.#applyAgain(),
    });
    this.#reloader = new Reloader(config, {
      load: () => source.load(),
      apply: (next) => this.#apply(next),
      show: options.show,
      log: options.log.main,
      onOutcome: (outcome, current, trigger) => {
        this.#afterReload(outcome, current);
        if (trigger !== 'change') this.#manager.reloaded(outcome);
      },
    });
    this.#manager = source.manage(config, this.#reloader, {
      node: `${hostname()}:${process.pid}`,
      record: recordRevision,
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

  /**
   * Serves on for `runtime.drainDelay`, then takes no more connections, lets requests finish within `runtime.drainTimeout`, and closes
   * everything. From the first moment on it says that it is not ready.
   */
  async stop(): Promise<void> {
    if (this.#state === 'stopping') return;
    this.#state = 'stopping';
    const { drainDelay, drainTimeout } = this.config.runtime;
    const log = this.#options.log.main;
    this.#watcher.close();
    if (drainDelay > 0) {
      log('info', `draining: connections are taken for ${drainDelay / 1000} s more`);
      await setTimeout(drainDelay, undefined, { signal: this.#aborted.signal }).catch(() => {});
    }
    if (this.#aborted.signal.aborted) return;
    log('info', `draining: requests have ${drainTimeout / 1000} s to finish`);
    this.#probe.close();
    this.#tls.close();
    await this.#supervisor.drain(drainTimeout);
    this.#quotas.close();
    this.#records.close();
    await this.#acme.close();
    await this.#source.close();
    await this.#upstreams.close();
    // Until here it answers that the gateway is not ready.
    await this.#admin?.close();
    await this.#options.accessLog.close();
    log('info', 'stopped');
  }

  /** Closes everything at once. */
  async abort(): Promise<void> {
    this.#state = 'stopping';
    this.#aborted.abort();
    this.#watcher.close();
    this.#probe.close();
    this.#tls.close();
    await this.#supervisor.close();
    this.#quotas.close();
    this.#records.close();
    await this.#acme.close();
    await this.#source.close();
    await this.#upstreams.close();
    await this.#admin?.close();
    await this.#options.accessLog.close();
  }

  async #start(config: LoadedConfig): Promise<void> {
    // Before the workers come up, so that a change meanwhile is noticed.
    this.#watcher.watch(config.files);
    const store = this.#source.connection;
    if (config.admin.enabled && store !== undefined)
      this.#admin = await AdminPort.open({
        config: () => this.config,
        control: (rights) => this.#control(rights),
        store: config.store.enabled ? store : undefined,
        log: this.#options.log.main,
      });
    // The admin port may be asked for changes already.
    const applied = await this.#reloader.inTurn(() => this.#apply(config));
    if (!applied.ok) throw new Error(applied.reasons.join('; '));
    this.#metrics.configReloaded(Date.now());
    this.#source.follow(this.#reloader);
    this.#state = 'ready';
    this.#admin?.loadSoon();
    this.#options.log.main('info', 'ready', {
      version: VERSION,
      workers: this.#supervisor.status().workers,
      ...this.#listenerUrls(),
      ...this.#adminUrls(),
    });
  }

  #adminUrls(): Record<string, string> {
    if (this.#admin === undefined) return {};
    const { scheme, bound, probes } = this.#admin;
    return {
      admin: urlOf(scheme, bound),
      ...(probes === undefined ? {} : { probes: urlOf('http', probes) }),
    };
  }

  #control(rights: RightsControl): GatewayControl {
    return {
      version: VERSION,
      ready: () => this.#state === 'ready' && this.#supervisor.status().serving > 0,
      metrics: () => this.#metricsText(),
      reload: () => this.reload('admin'),
      config: () => {
        const { dataPlane, admin, runtime, state, secrets } = this.config;
        const lists = describeLists(dataPlane.lists);
        return redact({ ...dataPlane, lists, admin, runtime, state }, secrets);
      },
      explain: (question) => explainRequest(this.config, question, this.#upstreams.control.status()),
      services: () => this.#upstreams.control.status(),
      acme: () => this.#acme.status(),
      registry: this.#upstreams.registry,
      quotas: this.#quotaDesk,
      configuration: () => this.#manager,
      rights,
      warn: (message) => this.#options.log.main('warn', message),
    };
  }

  #metricsText(): string {
    const { workers, serving } = this.#supervisor.status();
    return (
      this.#metrics.render() +
      supervisionMetrics({
        workers,
        serving,
        lastReloadOk: this.#lastReloadOk,
        limitEvictions: this.#limits.evictions,
        records: this.#records.table,
        store: {
          revision: this.#manager.revision,
          up: this.#source.storeDown === undefined,
          changedAtMs: this.#manager.changedAtMs,
        },
      }) +
      upstreamMetrics(this.#upstreams.control.status()) +
      tlsMetrics(this.#tls.status(), Date.now()) +
      acmeMetrics(this.#acme.status())
    );
  }

  async #apply(config: LoadedConfig): Promise<ApplyResult> {
    const { control } = this.#upstreams;
    let dataPlane: DataPlaneConfig;
    let services: PreparedServices;
    try {
      dataPlane = this.#options.adapt(withFixed(await this.#acme.complete(config), this.#fixed));
      if (countsInMemory(config)) this.#quotas.start();
      this.#records.keepFor(config);
      services = await control.prepare(dataPlane.services);
    } catch (error) {
      return { ok: false, reasons: [messageOf(error)] };
    }
    const applied = await this.#supervisor.apply(dataPlane);
    if (!applied.ok) {
      control.discard(services);
      return applied;
    }
    control.commit(services);
    this.#admin?.applied(config);
    this.#acme.keep(config);
    await this.#tls.configure(dataPlane, config.runtime.sessionTickets);
    this.#warnOfFixed(config);
    try {
      await this.#options.accessLog.configure(dataPlane.observability.accessLog);
    } catch (error) {
      this.#options.log.main('error', 'the access log stays where it was', error);
    }
    return applied;
  }

  /** The configuration in force, with certificates that came meanwhile; resolves with why that is refused. */
  async #applyAgain(): Promise<string | undefined> {
    const applied = await this.#reloader.inTurn(() => this.#apply(this.config));
    return applied.ok || this.#state === 'stopping' ? undefined : applied.reasons.join('; ');
  }

  #warnOfFixed(config: LoadedConfig): void {
    for (const name of changedSettings(config, this.#fixed))
      this.#options.log.main('warn', `${name} changed: that takes effect when the gateway is started anew`);
  }

  #afterReload(outcome: ReloadOutcome<ConfigError>, current: LoadedConfig): void {
    this.#lastReloadOk = outcome.kind !== 'refused';
    if (outcome.kind === 'applied') this.#metrics.configReloaded(Date.now());
    if (outcome.kind === 'refused') this.#metrics.configReloaded(undefined);
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
        this.#metrics.receive(workerId, output.message as MetricsMessage);
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

/** Resolves when one of the files changes, or on abort. */
async function changeOf(files: readonly string[], aborted: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = new FileWatcher(resolve);
  // A watch by itself does not keep the process alive.
  const alive = setInterval(() => {}, 3_600_000);
  watcher.watch(files);
  aborted.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  watcher.close();
  clearInterval(alive);
}

/** What is told of lists, which may be long. */
function describeLists(lists: DataPlaneConfig['lists']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(lists).map(([name, { kind, digest, table }]) => [
      name,
      isTextKind(kind)
        ? { kind, digest, texts: new TextTable(table).size }
        : { kind, digest, ranges: new CidrSet(table).size },
    ]),
  );
}

/** Whether there is anything that a file has to keep. */
function countsInMemory({ dataPlane, state }: LoadedConfig): boolean {
  const plans = Object.values(dataPlane.plans?.plans ?? {});
  return state.redis === undefined && plans.some(({ quotas }) => quotas.length > 0);
}

function urlOf(
  scheme: string,
  { address, port }: { readonly address: string; readonly port: number },
): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
