import {
  METRIC_NAMES,
  METRICS,
  type MetricName,
  type MetricsMessage,
  OTHER,
  orderedBuckets,
  seriesOf,
  slotsOf,
} from './metrics.ts';
import { SUM_UNITS, seriesKey } from './series-table.ts';

export interface MetricsHubOptions {
  readonly version: string;
  /** As the workers have it. */
  readonly buckets: readonly number[];
  /** Over all workers; each metric may have one more, for what is beyond it. */
  readonly maxSeries: number;
  /** Lines that the access log lost since the start. */
  readonly accessLogDroppedLines?: () => number;
  /** What is asked of the process; a test answers with known values. */
  readonly process?: ProcessFigures;
}

export interface ProcessFigures {
  cpuUsage(): { readonly user: number; readonly system: number };
  memoryUsageRss(): number;
  /** Epoch seconds. */
  readonly startTime: number;
}

/** Values of a series that lie in one worker's memory. */
interface Part {
  readonly workerId: number;
  readonly values: Float64Array;
  readonly offset: number;
}

/** One series over all workers. */
interface HubSeries {
  /** As it is shown, braces included; empty without labels. */
  readonly labels: string;
  readonly pairs: string;
  readonly parts: Part[];
  /** What workers that are gone had counted: a counter never goes back. */
  readonly retired: Float64Array;
}

/** The content type of what `render` returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The metrics of all threads, in the main one: knows where every worker keeps its values, and adds them up when asked. */
export class MetricsHub {
  readonly #buckets: readonly number[];
  readonly #maxSeries: number;
  readonly #options: MetricsHubOptions;
  readonly #process: ProcessFigures;
  readonly #chunks = new Map<number, Float64Array[]>();
  readonly #families = new Map<MetricName, Map<string, HubSeries>>();
  /** Of the main thread itself. */
  readonly #own = new Map<string, Float64Array>();
  #count = 0;

  constructor(options: MetricsHubOptions) {
    this.#options = options;
    this.#buckets = orderedBuckets(options.buckets);
    this.#maxSeries = options.maxSeries;
    this.#process = options.process ?? OWN_PROCESS;
    this.#set('portcullis_build_info', 1, options.version);
    this.#set('portcullis_worker_restarts_total', 0);
    this.#set('portcullis_config_reloads_total', 0, 'success');
    this.#set('portcullis_config_reloads_total', 0, 'failure');
  }

  /** A message of a worker's `WorkerMetrics`; a worker is known by its first one. */
  receive(workerId: number, message: MetricsMessage): void {
    if (message.kind === 'chunk') {
      const chunks = this.#chunks.get(workerId);
      if (chunks === undefined) this.#chunks.set(workerId, [new Float64Array(message.buffer)]);
      else chunks[message.chunk] = new Float64Array(message.buffer);
      return;
    }
    const values = this.#chunks.get(workerId)?.[message.chunk];
    if (values === undefined) return;
    const series = this.#series(message.metric, message.labels);
    series.parts.push({ workerId, values, offset: message.offset });
  }

  /** A worker is gone: what it counted stays, what it had open does not. */
  detach(workerId: number): void {
    if (!this.#chunks.delete(workerId)) return;
    for (const [metric, family] of this.#families) {
      const keep = METRICS[metric].type !== 'gauge';
      for (const [key, series] of family) {
        for (let i = series.parts.length - 1; i >= 0; i--) {
          const part = series.parts[i] as Part;
          if (part.workerId !== workerId) continue;
          series.parts.splice(i, 1);
          if (keep) addTo(series.retired, part);
        }
        if (!keep && series.parts.length === 0 && !this.#own.has(key)) {
          family.delete(key);
          this.#count -= seriesOf(metric, this.#buckets);
        }
      }
    }
  }

  ejected(service: string, rule: string, verdict: string): void {
    this.#add('portcullis_upstream_ejections_total', 1, service, rule, verdict);
  }

  workerRestarted(): void {
    this.#add('portcullis_worker_restarts_total', 1);
  }

  /** `epochMs` is when a configuration came into use; undefined: it was refused. The first load counts too. */
  configReloaded(epochMs: number | undefined): void {
    this.#add('portcullis_config_reloads_total', 1, epochMs === undefined ? 'failure' : 'success');
    if (epochMs !== undefined)
      this.#set('portcullis_config_last_reload_success_timestamp_seconds', epochMs / 1000);
  }

  /** The last seconds of the main thread. */
  eventLoop(worker: string, delaySeconds: number, utilization: number): void {
    this.#set('portcullis_worker_event_loop_delay_seconds', delaySeconds, worker);
    this.#set('portcullis_worker_event_loop_utilization_ratio', utilization, worker);
  }

  /** Prometheus' text format 0.0.4; series are in the order of their labels. */
  render(): string {
    const { user, system } = this.#process.cpuUsage();
    this.#set('process_cpu_seconds_total', (user + system) / 1e6);
    this.#set('process_resident_memory_bytes', this.#process.memoryUsageRss());
    this.#set('process_start_time_seconds', this.#process.startTime);
    this.#set('portcullis_access_log_dropped_lines_total', this.#options.accessLogDroppedLines?.() ?? 0);
    this.#set('portcullis_metrics_series', 0);
    this.#set('portcullis_metrics_series', this.#count);
    let text = '';
    for (const metric of METRIC_NAMES) {
      const family = this.#families.get(metric);
      if (family === undefined || family.size === 0) continue;
      const { help, type } = METRICS[metric];
      text += `# HELP ${metric} ${help}\n# TYPE ${metric} ${type}\n`;
      for (const key of [...family.keys()].sort())
        text += this.#samples(metric, family.get(key) as HubSeries);
    }
    return text;
  }

  #samples(metric: MetricName, series: HubSeries): string {
    const values = series.retired.slice();
    for (const part of series.parts) addTo(values, part);
    if (METRICS[metric].type !== 'histogram')
      return `${metric}${series.labels} ${sample(values[0] as number)}\n`;
    const buckets = this.#buckets;
    const comma = series.pairs === '' ? '' : ',';
    let text = '';
    let count = 0;
    for (let i = 0; i <= buckets.length; i++) {
      count += values[i] as number;
      const bound = i === buckets.length ? '+Inf' : sample(buckets[i] as number);
      text += `${metric}_bucket{${series.pairs}${comma}le="${bound}"} ${sample(count)}\n`;
    }
    text += `${metric}_sum${series.labels} ${sample((values[buckets.length + 1] as number) / SUM_UNITS)}\n`;
    return `${text}${metric}_count${series.labels} ${sample(count)}\n`;
  }

  #series(metric: MetricName, labels: readonly string[]): HubSeries {
    const key = seriesKey(metric, labels);
    let family = this.#families.get(metric);
    if (family === undefined) {
      family = new Map();
      this.#families.set(metric, family);
    }
    const known = family.get(key);
    if (known !== undefined) return known;
    const cost = seriesOf(metric, this.#buckets);
    const isOther = labels.every((label) => label === OTHER);
    if (this.#count + cost > this.#maxSeries && !isOther)
      return this.#series(
        metric,
        labels.map(() => OTHER),
      );
    this.#count += cost;
    const pairs = METRICS[metric].labels
      .map((name, i) => `${name}="${escapeLabel(labels[i] ?? '')}"`)
      .join(',');
    const series: HubSeries = {
      labels: pairs === '' ? '' : `{${pairs}}`,
      pairs,
      parts: [],
      retired: new Float64Array(slotsOf(metric, this.#buckets)),
    };
    family.set(key, series);
    return series;
  }

  #set(metric: MetricName, value: number, ...labels: string[]): void {
    const values = this.#ownValues(metric, labels);
    values[0] = value;
  }

  #add(metric: MetricName, amount: number, ...labels: string[]): void {
    const values = this.#ownValues(metric, labels);
    values[0] = (values[0] as number) + amount;
  }

  #ownValues(metric: MetricName, labels: readonly string[]): Float64Array {
    const key = seriesKey(metric, labels);
    let values = this.#own.get(key);
    if (values === undefined) {
      values = this.#series(metric, labels).retired;
      this.#own.set(key, values);
    }
    return values;
  }
}

const OWN_PROCESS: ProcessFigures = {
  cpuUsage: () => process.cpuUsage(),
  memoryUsageRss: () => process.memoryUsage.rss(),
  startTime: Math.round(performance.timeOrigin) / 1000,
};

function addTo(values: Float64Array, part: Part): void {
  for (let i = 0; i < values.length; i++)
    values[i] = (values[i] as number) + (part.values[part.offset + i] as number);
}

/** A value of the text format: Go's notation of what is not finite, JavaScript's of the rest. */
function sample(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

/** Backslash, quote and line feed are escaped; lone surrogates could not be sent in UTF-8. */
function escapeLabel(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
