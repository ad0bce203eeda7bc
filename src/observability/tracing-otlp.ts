/** Loaded only when an endpoint is configured: see tracing.ts. */
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { ExchangeRecord } from './record.ts';
import { clientSpan, type SpanOrigin, serverSpan } from './spans.ts';

export interface SpanPipelineOptions {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly version: string;
  readonly instanceId: string;
  readonly flushIntervalMs: number;
  readonly maxQueuedSpans: number;
  readonly onStateChange: (message: string, cause: unknown) => void;
  readonly onDropped: (count: number) => void;
}

const EXPORT_TIMEOUT_MS = 5000;
const BATCH_SPANS = 512;
/** A flush interval of `0s` would be a timer that never rests. */
const MIN_FLUSH_MS = 10;

/** From a finished exchange to the collector: spans, a bounded queue, batches, OTLP over HTTP in protobuf. */
export class SpanPipeline {
  readonly #origin: SpanOrigin;
  readonly #processor: BatchSpanProcessor;
  readonly #exporter: CountingExporter;
  readonly #maxQueued: number;
  readonly #onDropped: (count: number) => void;

  constructor(options: SpanPipelineOptions) {
    this.#maxQueued = options.maxQueuedSpans;
    this.#onDropped = options.onDropped;
    this.#origin = {
      resource: resourceFromAttributes({
        'service.name': options.serviceName,
        'service.version': options.version,
        'service.instance.id': options.instanceId,
      }),
      scope: { name: 'portcullis', version: options.version },
    };
    this.#exporter = new CountingExporter(
      new OTLPTraceExporter({
        url: options.endpoint,
        headers: { ...options.headers },
        timeoutMillis: EXPORT_TIMEOUT_MS,
        concurrencyLimit: 2,
      }),
      options,
    );
    this.#processor = new BatchSpanProcessor({
      exporter: this.#exporter,
      maxExportBatchSize: BATCH_SPANS,
      maxQueueSize: options.maxQueuedSpans,
      scheduledDelayMillis: Math.max(MIN_FLUSH_MS, options.flushIntervalMs),
      exportTimeoutMillis: EXPORT_TIMEOUT_MS * 2,
    });
  }

  add(record: ExchangeRecord): void {
    const upstream = record.upstreamMs >= 0 || record.targetName !== '';
    const count = upstream ? 2 : 1;
    // Here, and not in the processor's own queue, as that one drops without telling; the halves of an exchange go together.
    if (this.#exporter.queued + count > this.#maxQueued) {
      this.#onDropped(count);
      return;
    }
    this.#exporter.queued += count;
    this.#processor.onEnd(serverSpan(record, this.#origin));
    if (upstream) this.#processor.onEnd(clientSpan(record, this.#origin));
  }

  async close(withinMs: number): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#processor.shutdown().catch(() => {}), expired]);
    clearTimeout(limit);
    this.#exporter.giveUp();
  }
}

/** Knows how many spans wait, and tells once when sending begins to fail and once when it works again. */
class CountingExporter implements SpanExporter {
  /** Given to the processor and not yet sent. */
  queued = 0;
  readonly #exporter: SpanExporter;
  readonly #options: SpanPipelineOptions;
  #failing = false;
  #closed = false;

  constructor(exporter: SpanExporter, options: SpanPipelineOptions) {
    this.#exporter = exporter;
    this.#options = options;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#settle(spans.length, result);
      done(result);
    });
  }

  /** What has not been sent is lost. */
  giveUp(): void {
    if (this.queued > 0) this.#options.onDropped(this.queued);
    this.queued = 0;
    this.#closed = true;
  }

  async shutdown(): Promise<void> {
    await this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  #settle(count: number, result: ExportResult): void {
    if (this.#closed) return;
    this.queued -= count;
    if (result.code === ExportResultCode.SUCCESS) {
      if (this.#failing) this.#options.onStateChange('the trace collector takes spans again', undefined);
      this.#failing = false;
      return;
    }
    this.#options.onDropped(count);
    if (!this.#failing) this.#options.onStateChange('the trace collector takes no spans', result.error);
    this.#failing = true;
  }
}
