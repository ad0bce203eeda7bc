import { BodyMemory } from '../gateway/body-memory.ts';
import { compileSnapshot, type Snapshot, type SnapshotContext } from '../gateway/snapshot.ts';
import { FieldNames } from '../http/field-names.ts';
import { DateField } from '../http/serialise.ts';
import { Identity } from '../identity/identity.ts';
import { NO_IDENTITY } from '../identity/identity-data.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { LoadGauge } from '../lib/load-gauge.ts';
import { messageOf } from '../lib/message-of.ts';
import { EventLoopProbe } from '../observability/event-loop.ts';
import type { MetricsMessage } from '../observability/metrics.ts';
import type { ObservabilityConfig } from '../observability/schema.ts';
import { TraceIds } from '../observability/trace-context.ts';
import { createTracer } from '../observability/tracing.ts';
import { createMetrics, type MetricsRecorder, NO_METRICS } from '../observability/worker-metrics.ts';
import { AddressLists } from '../policies/address-lists.ts';
import { Plans } from '../policies/plan/plans.ts';
import { NO_PLANS } from '../policies/plan/plans-schema.ts';
import { Limiters } from '../state/limiters.ts';
import { QuotaTable } from '../state/quota/quota-table.ts';
import { Quotas } from '../state/quota/quotas.ts';
import { SharedQuotas } from '../state/quota/shared-quotas.ts';
import { RecordStores } from '../state/records/record-stores.ts';
import type { Records } from '../state/records/records.ts';
import { SharedLimiter } from '../state/shared/shared-limiter.ts';
import { TargetDirectory } from '../upstream/directory.ts';
import { PAUSE_STEP_MS } from '../upstream/retry/policy.ts';
import type { Service, ServiceContext } from '../upstream/service.ts';
import type { TargetsNews } from '../upstream/targets-message.ts';
import { type ChallengesNews, HttpChallenges } from './challenges.ts';
import type { DataPlaneConfig } from './config.ts';
import { ConnectionCounter } from './connection-counter.ts';
import { Listener, socketKey } from './listener.ts';
import { Recording } from './recording.ts';
import type { WorkerRuntime } from './runtime.ts';
import type { ListenerConfig } from './schema.ts';
import { ServiceReport } from './service-report.ts';
import type { TlsNews } from './tls/tls-news.ts';
import { WorkerTls } from './tls/worker-tls.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface DataPlaneOptions {
  readonly workerId: number;
  /** Of Portcullis, for the traces. */
  readonly version?: string;
  /** Several workers listen on the same port, and the kernel shares connections out among them. */
  readonly reusePort: boolean;
  readonly log: (level: LogLevel, message: string, detail?: unknown) => void;
  /** Takes whole access-log lines. */
  readonly accessLogSink: (batch: Uint8Array) => void;
  /** Whether the access log's standard streams are a terminal. */
  readonly terminal?: boolean;
  readonly metricsPost: (message: MetricsMessage) => void;
  /** From `ConnectionCounter.allocate`, shared by all workers. */
  readonly connectionCounters: SharedArrayBuffer;
  /** From `LimitTable.allocate`, shared by all workers. */
  readonly limitTable: SharedArrayBuffer;
  /** From `QuotaTable.allocate`, shared by all workers and the main thread. */
  readonly quotaTable: SharedArrayBuffer;
  /** Opens the records of this machine; called once, when somebody keeps some there. */
  readonly records: () => Records;
  /** For tests: another clock, chance or budget of retries. */
  readonly retries?: Partial<ServiceContext['retries']>;
  /** For tests: less memory for bodies, in octets. */
  readonly bodyMemoryBytes?: number | undefined;
}

/** A configuration that is ready to serve and does not yet. */
export interface Prepared {
  readonly config: DataPlaneConfig;
  readonly snapshot: Snapshot;
  /** Services that the running configuration does not have. */
  readonly services: readonly Service[];
  /** New sockets, listening already, by listener name; connections wait in their queue. */
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly limiters: Limiters;
  readonly plans: Plans;
  readonly identity: Identity;
  readonly records: RecordStores;
}

/** How often a drain looks whether the last connection is gone. */
const DRAIN_CHECK_MS = 20;
/** What tokens under way have at least, when connections took all of the time: less than the second of grace that a worker has. */
const SETTLE_MS = 500;

/** One worker's data plane: its listeners, its connections, and the configuration that they serve. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #deadlines = new Deadlines();
  readonly #bodyMemory: BodyMemory;
  readonly #names = new FieldNames();
  readonly #retries: ServiceContext['retries'];
  readonly #directory = new TargetDirectory();
  readonly #addressLists = new AddressLists();
  readonly #counter: ConnectionCounter;
  readonly #tls = new WorkerTls();
  #limiters: Limiters;
  #plans: Plans;
  #identity: Identity;
  #records: RecordStores;
  readonly #listeners = new Map<string, Listener>();
  /** Listeners that no configuration has any more, while their last requests end. */
  readonly #leaving = new Set<Listener>();
  #config: DataPlaneConfig | undefined;
  #runtime: WorkerRuntime | undefined;
  #challenges: HttpChallenges | undefined;
  #metrics: { readonly recorder: MetricsRecorder; readonly key: string } | undefined;
  #probe: EventLoopProbe | undefined;
  readonly #load = new LoadGauge();
  #draining = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#bodyMemory = new BodyMemory(options.bodyMemoryBytes);
    this.#retries = {
      pauses: new Deadlines(undefined, PAUSE_STEP_MS),
      random: Math.random,
      ...options.retries,
    };
    this.#counter = new ConnectionCounter(options.connectionCounters, options.workerId);
    this.#counter.reset();
    const memory = new SharedLimiter(options.limitTable, options.workerId);
    this.#limiters = new Limiters(memory, undefined, options.log);
    const quotas = new SharedQuotas(new QuotaTable(options.quotaTable, options.workerId + 1));
    this.#plans = new Plans(NO_PLANS, new Quotas(quotas, undefined, options.log));
    let own: Records | undefined;
    this.#records = new RecordStores(() => (own ??= options.records()), options.log);
    const { log } = options;
    this.#identity = new Identity(NO_IDENTITY, { log, nowMs: Date.now, records: this.#records });
  }

  /** Where each listener of the committed configuration is bound. */
  get addresses(): Readonly<Record<string, { readonly address: string; readonly port: number }>> {
    return Object.fromEntries([...this.#listeners].map(([name, listener]) => [name, listener.address]));
  }

  /** What the main thread says of the targets of services, of TLS, and of what ACME servers are to find. */
  receive(news: TargetsNews | TlsNews | ChallengesNews): void {
    switch (news.kind) {
      case 'targets':
      case 'targetsGone':
        this.#directory.receive(news);
        return;
      case 'challenges':
        this.#tls.setChallenges(new Map(Object.entries(news.certificates)));
        this.#challenges = HttpChallenges.from(news);
        if (this.#runtime !== undefined) this.#runtime.challenges = this.#challenges;
        return;
      default:
        this.#tls.receive(news);
    }
  }

  stats(): { connections: number; requestsInFlight: number } {
    let connections = 0;
    for (const listener of this.#open()) connections += listener.connections.size;
    return { connections, requestsInFlight: this.#runtime?.snapshot.requests ?? 0 };
  }

  /**
   * Compiles a configuration and opens the sockets that it adds, while the running one goes on. Rejects with an Error whose
   * message says what is wrong; what was made until then is undone.
   */
  async prepare(config: DataPlaneConfig): Promise<Prepared> {
    const server = config.state?.redis;
    const limiters = this.#limiters.with(server);
    const plans = this.#plans.with(config.plans ?? NO_PLANS, server, config.state?.memory?.onFailure);
    const records = await this.#records.with(config.state?.redis);
    const identity = await this.#identity.with(config.identity ?? NO_IDENTITY, records);
    const context = this.#context(config.observability, { limiters, plans, identity });
    this.#addressLists.add(config.lists);
    const { snapshot, made } = await compileSnapshot(config, this.#runtime?.snapshot, context);
    const listeners = new Map<string, Listener>();
    const prepared: Prepared = {
      config,
      snapshot,
      services: made,
      listeners,
      limiters,
      plans,
      identity,
      records,
    };
    try {
      // The first configuration has no snapshot to accept connections with before its commit.
      this.#runtime ??= this.#makeRuntime(snapshot);
      for (const name in config.listeners) await this.#bind(name, config, listeners);
    } catch (error) {
      this.discard(prepared);
      throw error;
    }
    return prepared;
  }

  #context(
    observability: ObservabilityConfig,
    made: Pick<SnapshotContext, 'limiters' | 'plans' | 'identity'>,
  ): SnapshotContext {
    const metrics = this.#metricsFor(observability.metrics);
    const { workerId, log } = this.#options;
    return {
      deadlines: this.#deadlines,
      names: this.#names,
      retries: this.#retries,
      warn: (message, cause) => log('warn', message, cause),
      load: () => this.#load.read(),
      bodyMemory: this.#bodyMemory,
      policyEvent: (route, policy, event) => metrics.policyEvent(route, policy, event),
      addressLists: this.#addressLists,
      ...made,
      workerId,
      directory: this.#directory,
      observer: (service) => new ServiceReport(service, metrics, log),
      recorder: async () => {
        const tracer = await createTracer(observability.tracing, {
          version: this.#options.version ?? 'unknown',
          instanceId: String(workerId),
          onStateChange: (message, cause) => log('warn', message, cause),
          onDropped: (count) => metrics.spansDropped(count),
        });
        const output = {
          workerId: String(workerId),
          terminal: this.#options.terminal ?? false,
          sink: this.#options.accessLogSink,
        };
        return new Recording(observability, output, metrics, tracer);
      },
    };
  }

  /** One recorder for the life of the worker: a second one would begin to count anew. */
  #metricsFor(config: ObservabilityConfig['metrics']): MetricsRecorder {
    if (!config.enabled) return NO_METRICS;
    const { enabled: _, ...layout } = config;
    const key = JSON.stringify(layout);
    if (this.#metrics === undefined) {
      this.#metrics = { recorder: createMetrics(config, this.#options.metricsPost), key };
      const { recorder } = this.#metrics;
      const worker = String(this.#options.workerId);
      this.#probe = new EventLoopProbe((delay, busy) => recorder.eventLoop(worker, delay, busy));
    } else if (this.#metrics.key !== key) {
      this.#options.log('warn', 'observability.metrics: buckets and maxSeries change with the next start');
    }
    return this.#metrics.recorder;
  }

  async #bind(name: string, config: DataPlaneConfig, listeners: Map<string, Listener>): Promise<void> {
    const settings = config.listeners[name] as ListenerConfig;
    const known = this.#listeners.get(name);
    if (known !== undefined && socketKey(known.current.config) === socketKey(settings)) {
      // A certificate that cannot be used must fail now, not at the commit.
      known.check(settings, config.certificates);
      return;
    }
    const listener = new Listener(
      name,
      settings,
      config.certificates,
      this.#runtime as WorkerRuntime,
      this.#counter,
      this.#metrics?.recorder ?? NO_METRICS,
      this.#tls,
    );
    listeners.set(name, listener);
    try {
      await listener.listen(this.#options.reusePort);
    } catch (error) {
      const reason = messageOf(error);
      throw new Error(`listener ${name} cannot listen on ${settings.address}:${settings.port}: ${reason}`, {
        cause: error,
      });
    }
  }

  /** Swaps the running configuration for a prepared one. From the next request on everything is new; requests under way end on the old. */
  commit(prepared: Prepared): void {
    const { config, snapshot } = prepared;
    const before = this.#runtime?.snapshot;
    const runtime = (this.#runtime ??= this.#makeRuntime(snapshot));
    runtime.snapshot = snapshot;
    this.#addressLists.replace(config.lists);
    for (const [name, listener] of [...this.#listeners]) {
      const settings = config.listeners[name];
      if (settings !== undefined && !prepared.listeners.has(name)) {
        listener.update(name, settings, config.certificates);
      } else {
        this.#listeners.delete(name);
        this.#leave(listener);
      }
    }
    for (const [name, listener] of prepared.listeners) this.#listeners.set(name, listener);
    if (before !== undefined && before !== snapshot) {
      for (const [name, service] of before.services)
        if (snapshot.services.get(name) !== service) service.retire();
      before.retire();
    }
    this.#limiters = prepared.limiters;
    this.#plans = prepared.plans;
    this.#identity = prepared.identity;
    this.#records = prepared.records;
    this.#config = config;
  }

  /** Undoes a `prepare` whose configuration is not wanted after all. */
  discard(prepared: Prepared): void {
    for (const listener of prepared.listeners.values()) {
      listener.destroy();
    }
    for (const service of prepared.services) service.retire();
    prepared.snapshot.retire();
    if (this.#config === undefined) this.#runtime = undefined;
  }

  /** Accepts no more connections, ends each after its request, and after `limitMs` those that are left; tokens under way are waited for. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    if (this.#runtime !== undefined) this.#runtime.draining = true;
    for (const listener of this.#open()) listener.drain();
    const end = performance.now() + limitMs;
    while (performance.now() < end && this.#open().some((listener) => listener.connections.size > 0)) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_CHECK_MS));
    }
    for (const listener of this.#open()) listener.destroy();
    await this.#settle(Math.max(SETTLE_MS, end - performance.now()));
    for (const service of this.#runtime?.snapshot.services.values() ?? []) service.retire();
    this.#runtime?.snapshot.retire();
    this.#records.close();
    this.#probe?.close();
    this.#load.close();
  }

  /** No longer than the limit: a refresh token that a provider has redeemed, and whose successor is not written, takes its session with it. */
  async #settle(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    await Promise.race([this.#identity.settled(), promise]);
    clearTimeout(timer);
  }

  #leave(listener: Listener): void {
    this.#leaving.add(listener);
    listener.drain(() => this.#leaving.delete(listener));
  }

  #open(): Listener[] {
    return [...this.#listeners.values(), ...this.#leaving];
  }

  #makeRuntime(snapshot: Snapshot): WorkerRuntime {
    return {
      snapshot,
      draining: this.#draining,
      deadlines: this.#deadlines,
      names: this.#names,
      date: new DateField(),
      traceIds: new TraceIds(),
      challenges: this.#challenges,
    };
  }
}
