/** What the gateway measures, in Prometheus' terms: https://prometheus.io/docs/practices/naming/ */
export interface MetricDescriptor {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
}

/** Every metric, in the order in which /metrics shows them. */
export const METRICS = {
  portcullis_build_info: {
    help: 'Always 1; the version is a label.',
    type: 'gauge',
    labels: ['version'],
  },
  portcullis_http_requests_total: {
    help: 'Requests answered, by the status sent to the client.',
    type: 'counter',
    labels: ['route', 'service', 'method', 'code'],
  },
  portcullis_http_request_duration_seconds: {
    help: 'Time from the first octet of the request to the last octet of the answer.',
    type: 'histogram',
    labels: ['route', 'service'],
  },
  portcullis_http_request_size_bytes_total: {
    help: 'Octets received from clients.',
    type: 'counter',
    labels: ['route', 'service'],
  },
  portcullis_http_response_size_bytes_total: {
    help: 'Octets sent to clients.',
    type: 'counter',
    labels: ['route', 'service'],
  },
  portcullis_http_requests_in_flight: {
    help: 'Requests being served now.',
    type: 'gauge',
    labels: [],
  },
  portcullis_refused_total: {
    help: 'Answers that the gateway made itself, by their stable code.',
    type: 'counter',
    labels: ['code'],
  },
  portcullis_policy_failures_total: {
    help: 'Policies that threw.',
    type: 'counter',
    labels: ['policy'],
  },
  portcullis_policy_events_total: {
    help: 'What policies count, by their own words.',
    type: 'counter',
    labels: ['route', 'policy', 'event'],
  },
  portcullis_connections: {
    help: 'Open connections from clients.',
    type: 'gauge',
    labels: ['listener'],
  },
  portcullis_connections_accepted_total: {
    help: 'Connections accepted from clients.',
    type: 'counter',
    labels: ['listener'],
  },
  portcullis_upstream_latency_seconds: {
    help: 'Time from a request being sent on to the head of its answer.',
    type: 'histogram',
    labels: ['service'],
  },
  portcullis_upstream_retries_total: {
    help: 'Attempts at an upstream beyond the first of a request.',
    type: 'counter',
    labels: ['service'],
  },
  portcullis_upstream_failures_total: {
    help: 'Attempts at an upstream that failed, by kind.',
    type: 'counter',
    labels: ['service', 'kind'],
  },
  portcullis_upstream_breaker_changes_total: {
    help: 'Changes of circuit breakers, by the state they came to.',
    type: 'counter',
    labels: ['service', 'scope', 'to'],
  },
  portcullis_upstream_ejections_total: {
    help: 'Targets found to be outliers by failed requests, by rule, and whether they were taken out for it.',
    type: 'counter',
    labels: ['service', 'rule', 'verdict'],
  },
  portcullis_upstream_connections: {
    help: 'Open connections to upstreams, idle ones included.',
    type: 'gauge',
    labels: ['service'],
  },
  portcullis_mirror_copies_total: {
    help: 'Copies of requests for a mirror, by what became of them.',
    type: 'counter',
    labels: ['service', 'outcome'],
  },
  portcullis_trace_spans_dropped_total: {
    help: 'Spans that were not delivered: the collector was down or too slow.',
    type: 'counter',
    labels: [],
  },
  portcullis_worker_event_loop_delay_seconds: {
    help: 'How late the event loop of a thread was in 99 of 100 samples of the last seconds.',
    type: 'gauge',
    labels: ['worker'],
  },
  portcullis_worker_event_loop_utilization_ratio: {
    help: 'Share of the last seconds that a thread was busy.',
    type: 'gauge',
    labels: ['worker'],
  },
  portcullis_worker_restarts_total: {
    help: 'Workers that died and were replaced.',
    type: 'counter',
    labels: [],
  },
  portcullis_config_reloads_total: {
    help: 'Reloads of the configuration, by result.',
    type: 'counter',
    labels: ['result'],
  },
  portcullis_config_last_reload_success_timestamp_seconds: {
    help: 'When the configuration in use was loaded.',
    type: 'gauge',
    labels: [],
  },
  portcullis_access_log_dropped_lines_total: {
    help: 'Access-log lines lost because the destination was too slow or gone.',
    type: 'counter',
    labels: [],
  },
  portcullis_metrics_series: {
    help: 'Time series in use, out of the configured maximum.',
    type: 'gauge',
    labels: [],
  },
  process_cpu_seconds_total: {
    help: 'CPU time of the process, user and system.',
    type: 'counter',
    labels: [],
  },
  process_resident_memory_bytes: {
    help: 'Resident memory of the process.',
    type: 'gauge',
    labels: [],
  },
  process_start_time_seconds: {
    help: 'When the process started.',
    type: 'gauge',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDescriptor>>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

/** Where everything beyond the cap on series is counted: every label has this value. */
export const OTHER = 'other';

/** Slots of one series: a histogram's are one per bucket, one beyond the last, and the sum. */
export function slotsOf(metric: MetricName, buckets: readonly number[]): number {
  return METRICS[metric].type === 'histogram' ? buckets.length + 2 : 1;
}

/** Time series that one set of labels is to Prometheus: a histogram's are its buckets, `+Inf`, sum and count. */
export function seriesOf(metric: MetricName, buckets: readonly number[]): number {
  return METRICS[metric].type === 'histogram' ? buckets.length + 3 : 1;
}

/** Upper bounds as they are used: in order, each once. */
export function orderedBuckets(buckets: readonly number[]): number[] {
  return [...new Set(buckets)].sort((a, b) => a - b);
}

/** From a worker to the hub: memory that holds values, and which series lies where in it. */
export type MetricsMessage =
  | { readonly kind: 'chunk'; readonly chunk: number; readonly buffer: SharedArrayBuffer }
  | {
      readonly kind: 'series';
      readonly metric: MetricName;
      readonly labels: readonly string[];
      readonly chunk: number;
      readonly offset: number;
    };
