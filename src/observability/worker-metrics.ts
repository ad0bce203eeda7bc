import { type MetricsMessage, OTHER, orderedBuckets } from './metrics.ts';
import type { ExchangeRecord } from './record.ts';
import type { RouteSeries } from './route-notes.ts';
import type { ObservabilityConfig } from './schema.ts';
import { Series, SeriesTable } from './series-table.ts';

export type MetricsConfig = ObservabilityConfig['metrics'];

/** sent: it was answered, whatever the status. failed: it was sent, or tried to be, without an answer. dropped: it was given up here. */
export type CopyOutcome = 'sent' | 'failed' | 'dropped';

/** What the data plane tells of itself. `NO_METRICS` is the one that forgets it. */
export interface MetricsRecorder {
  /** A finished exchange, also one that was refused. */
  record(record: ExchangeRecord): void;
  requestStarted(): void;
  requestEnded(): void;
  connectionOpened(listener: string): void;
  connectionClosed(listener: string): void;
  upstreamConnectionOpened(service: string): void;
  upstreamConnectionClosed(service: string): void;
  /** `kind` is one of the gateway's own few words, such as `connect_refused`. */
  upstreamFailed(service: string, kind: string): void;
  mirrored(service: string, outcome: CopyOutcome): void;
  /** Targets are not named: they come and go, and their series would stay. */
  breakerChanged(service: string, scope: 'service' | 'target', to: string): void;
  ejected(service: string, rule: string, verdict: string): void;
  policyFailed(policy: string): void;
  /** Something that a policy counts. */
  policyEvent(route: string, policy: string, event: string): void;
  spansDropped(count: number): void;
  /** The last seconds of a thread: delay in seconds, share of time busy. */
  eventLoop(worker: string, delaySeconds: number, utilization: number): void;
}

/** RFC 9110 section 9.1, RFC 5789. Whatever else a client makes up is `other`. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT'] as const;
const NO_SERIES = new Series(new Float64Array(1), 0);
const METHOD_INDEX: ReadonlyMap<string, number> = new Map(METHODS.map((method, i) => [method, i]));

interface ServiceSeries {
  readonly latency: Series;
  readonly retries: Series;
}

/**
 * The metrics of one worker, in memory that it shares with the main thread: recording is a few map look-ups and additions, and
 * nothing is sent when /metrics is read.
 */
export class WorkerMetrics implements MetricsRecorder {
  readonly #table: SeriesTable;
  readonly #routes = new Map<string, Map<string, RouteSeries>>();
  readonly #services = new Map<string, ServiceSeries>();
  readonly #copies = new Map<string, Readonly<Record<CopyOutcome, Series>>>();
  readonly #refused = new Map<string, Series>();
  readonly #inFlight: Series;

  /** `post` brings messages to `MetricsHub.receive`, in order. */
  constructor(config: MetricsConfig, post: (message: MetricsMessage) => void) {
    this.#table = new SeriesTable(orderedBuckets(config.buckets), config.maxSeries, post);
    this.#inFlight = this.#table.series('portcullis_http_requests_in_flight');
  }

  record(record: ExchangeRecord): void {
    const service = record.serviceName ?? '';
    let series = record.routeNotes.series;
    if (series === undefined || series.service !== service) {
      series = this.#routes.get(record.routeName)?.get(service) ?? this.#route(record.routeName, service);
      record.routeNotes.series = series;
    }
    this.#table.observe(series.duration, record.durationMs / 1000);
    this.#requests(series, record.request.method, record.response.status).add(1);
    if (record.requestBytes > 0) series.requestBytes.add(record.requestBytes);
    if (record.responseBytes > 0) series.responseBytes.add(record.responseBytes);
    if (record.upstreamMs >= 0 && service !== '') {
      const upstream = this.#services.get(service) ?? this.#service(service);
      this.#table.observe(upstream.latency, record.upstreamMs / 1000);
    }
    if (record.attempts > 1 && service !== '') {
      (this.#services.get(service) ?? this.#service(service)).retries.add(record.attempts - 1);
    }
    if (record.code !== '') this.#refusal(record.code).add(1);
  }

  requestStarted(): void {
    this.#inFlight.add(1);
  }

  requestEnded(): void {
    this.#inFlight.add(-1);
  }

  connectionOpened(listener: string): void {
    this.#table.series('portcullis_connections', listener).add(1);
    this.#table.series('portcullis_connections_accepted_total', listener).add(1);
  }

  connectionClosed(listener: string): void {
    this.#table.series('portcullis_connections', listener).add(-1);
  }

  upstreamConnectionOpened(service: string): void {
    this.#table.series('portcullis_upstream_connections', service).add(1);
  }

  upstreamConnectionClosed(service: string): void {
    this.#table.series('portcullis_upstream_connections', service).add(-1);
  }

  upstreamFailed(service: string, kind: string): void {
    this.#table.series('portcullis_upstream_failures_total', service, kind).add(1);
  }

  mirrored(service: string, outcome: CopyOutcome): void {
    (this.#copies.get(service) ?? this.#copiesFor(service))[outcome].add(1);
  }

  breakerChanged(service: string, scope: 'service' | 'target', to: string): void {
    this.#table.series('portcullis_upstream_breaker_changes_total', service, scope, to).add(1);
  }

  ejected(service: string, rule: string, verdict: string): void {
    this.#table.series('portcullis_upstream_ejections_total', service, rule, verdict).add(1);
  }

  policyFailed(policy: string): void {
    this.#table.series('portcullis_policy_failures_total', policy).add(1);
  }

  policyEvent(route: string, policy: string, event: string): void {
    this.#table.series('portcullis_policy_events_total', route, policy, event).add(1);
  }

  spansDropped(count: number): void {
    this.#table.series('portcullis_trace_spans_dropped_total').add(count);
  }

  eventLoop(worker: string, delaySeconds: number, utilization: number): void {
    this.#table.series('portcullis_worker_event_loop_delay_seconds', worker).set(delaySeconds);
    this.#table.series('portcullis_worker_event_loop_utilization_ratio', worker).set(utilization);
  }

  #route(route: string, service: string): RouteSeries {
    const table = this.#table;
    const made: RouteSeries = {
      route,
      service,
      duration: table.series('portcullis_http_request_duration_seconds', route, service),
      requestBytes: table.series('portcullis_http_request_size_bytes_total', route, service),
      responseBytes: table.series('portcullis_http_response_size_bytes_total', route, service),
      requests: new Map(),
      lastKey: -1,
      last: NO_SERIES,
    };
    const services = this.#routes.get(route);
    if (services === undefined) this.#routes.set(route, new Map([[service, made]]));
    else services.set(service, made);
    return made;
  }

  #requests(series: RouteSeries, method: string, status: number): Series {
    const methodIndex = METHOD_INDEX.get(method) ?? METHODS.length;
    // 0: the client was gone before there was an answer.
    const code = status >= 100 && status <= 999 ? status : 0;
    const key = methodIndex * 1000 + code;
    if (key === series.lastKey) return series.last;
    const known = series.requests.get(key);
    if (known !== undefined) {
      series.lastKey = key;
      series.last = known;
      return known;
    }
    const made = this.#table.series(
      'portcullis_http_requests_total',
      series.route,
      series.service,
      METHODS[methodIndex] ?? OTHER,
      String(code),
    );
    series.requests.set(key, made);
    return made;
  }

  #service(service: string): ServiceSeries {
    const made: ServiceSeries = {
      latency: this.#table.series('portcullis_upstream_latency_seconds', service),
      retries: this.#table.series('portcullis_upstream_retries_total', service),
    };
    this.#services.set(service, made);
    return made;
  }

  /** All three at once: a rate needs a series that began at 0. */
  #copiesFor(service: string): Readonly<Record<CopyOutcome, Series>> {
    const series = (outcome: CopyOutcome): Series =>
      this.#table.series('portcullis_mirror_copies_total', service, outcome);
    const made = { sent: series('sent'), failed: series('failed'), dropped: series('dropped') };
    this.#copies.set(service, made);
    return made;
  }

  #refusal(code: string): Series {
    const known = this.#refused.get(code);
    if (known !== undefined) return known;
    const made = this.#table.series('portcullis_refused_total', code);
    // A policy of the user's own may make up codes without end; only so many are worth a short cut.
    if (this.#refused.size < 1000) this.#refused.set(code, made);
    return made;
  }
}

/** Metrics that are off. */
export const NO_METRICS: MetricsRecorder = {
  record() {},
  requestStarted() {},
  requestEnded() {},
  connectionOpened() {},
  connectionClosed() {},
  upstreamConnectionOpened() {},
  upstreamConnectionClosed() {},
  upstreamFailed() {},
  mirrored() {},
  breakerChanged() {},
  ejected() {},
  policyFailed() {},
  policyEvent() {},
  spansDropped() {},
  eventLoop() {},
};

/** The recorder that a configuration asks for. */
export function createMetrics(
  config: MetricsConfig,
  post: (message: MetricsMessage) => void,
): MetricsRecorder {
  return config.enabled ? new WorkerMetrics(config, post) : NO_METRICS;
}
