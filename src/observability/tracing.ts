import type { ExchangeRecord } from './record.ts';
import type { ObservabilityConfig } from './schema.ts';
import type { SpanPipeline } from './tracing-otlp.ts';

export type TracingConfig = ObservabilityConfig['tracing'];

export interface TracerOptions {
  readonly version: string;
  /** Tells a worker's spans from another's: the instance id of the resource. */
  readonly instanceId: string;
  /** Called when sending begins to fail, and when it works again. */
  readonly onStateChange: (message: string, cause: unknown) => void;
  /** Called with the number of spans that were given up. */
  readonly onDropped: (count: number) => void;
}

/** Spans that may wait for the collector. */
const MAX_QUEUED_SPANS = 4096;

/** Sends the spans of sampled exchanges to a collector, in batches, and never makes a request wait. */
export class Tracer {
  readonly #pipeline: SpanPipeline;

  constructor(pipeline: SpanPipeline) {
    this.#pipeline = pipeline;
  }

  /** Takes a finished exchange; one that is not sampled is none of its business. */
  record(record: ExchangeRecord): void {
    if (record.sampled) this.#pipeline.add(record);
  }

  /** Sends what is queued, at most for that time, then closes. What is left then counts as dropped. */
  async close(withinMs = 2000): Promise<void> {
    await this.#pipeline.close(withinMs);
  }
}

/**
 * The tracer that a configuration asks for; undefined without an endpoint, and then OpenTelemetry's packages are not even loaded.
 */
export async function createTracer(
  config: TracingConfig,
  options: TracerOptions,
): Promise<Tracer | undefined> {
  if (config.endpoint === undefined) return undefined;
  const { SpanPipeline } = await import('./tracing-otlp.ts');
  return new Tracer(
    new SpanPipeline({
      endpoint: config.endpoint,
      headers: config.headers,
      serviceName: config.serviceName,
      flushIntervalMs: config.flushInterval,
      maxQueuedSpans: MAX_QUEUED_SPANS,
      ...options,
    }),
  );
}
