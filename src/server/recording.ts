import type { Recorder } from '../gateway/recorder.ts';
import { AccessLog } from '../observability/access-log.ts';
import type { ExchangeRecord } from '../observability/record.ts';
import type { ObservabilityConfig } from '../observability/schema.ts';
import { Sampler } from '../observability/trace-context.ts';
import type { Tracer } from '../observability/tracing.ts';
import type { CopyOutcome, MetricsRecorder } from '../observability/worker-metrics.ts';

/** Where a worker's log lines go. */
export interface LogOutput {
  readonly workerId: string;
  /** Whether the process writes to a terminal: `format: auto` then means readable lines on stdout and stderr. */
  readonly terminal: boolean;
  readonly sink: (batch: Uint8Array) => void;
}

/** Tells every finished exchange to the access log, the metrics and the traces, as far as they are switched on. */
export class Recording implements Recorder {
  readonly #log: AccessLog | undefined;
  readonly #metrics: MetricsRecorder;
  readonly #tracer: Tracer | undefined;
  readonly #sampler: Sampler;

  /** `metrics` outlives the configuration, so that no counter goes back; the rest is its own. */
  constructor(
    config: ObservabilityConfig,
    output: LogOutput,
    metrics: MetricsRecorder,
    tracer: Tracer | undefined,
  ) {
    this.#metrics = metrics;
    this.#tracer = tracer;
    this.#log = config.accessLog.enabled
      ? new AccessLog(config.accessLog, {
          format: formatOf(config.accessLog, output.terminal),
          colour: output.terminal,
          workerId: output.workerId,
          sink: output.sink,
        })
      : undefined;
    this.#sampler = new Sampler(tracer === undefined ? 0 : config.tracing.sample);
  }

  record(exchange: ExchangeRecord): void {
    this.#log?.record(exchange);
    this.#metrics.record(exchange);
    if (exchange.sampled) this.#tracer?.record(exchange);
  }

  shouldSample(traceId: string, parentSampled: boolean | undefined): boolean {
    return this.#sampler.shouldSample(traceId, parentSampled);
  }

  policyFailed(policy: string): void {
    this.#metrics.policyFailed(policy);
  }

  upstreamFailed(service: string, kind: string): void {
    this.#metrics.upstreamFailed(service, kind);
  }

  mirrored(service: string, outcome: CopyOutcome): void {
    this.#metrics.mirrored(service, outcome);
  }

  requestStarted(): void {
    this.#metrics.requestStarted();
  }

  requestEnded(): void {
    this.#metrics.requestEnded();
  }

  /** Hands on what is gathered; spans are given a moment to be sent. */
  async close(): Promise<void> {
    this.#log?.close();
    await this.#tracer?.close();
  }
}

function formatOf(config: ObservabilityConfig['accessLog'], terminal: boolean): 'json' | 'line' {
  if (config.format !== 'auto') return config.format;
  return terminal && (config.destination === 'stdout' || config.destination === 'stderr') ? 'line' : 'json';
}
