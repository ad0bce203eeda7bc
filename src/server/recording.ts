import type { Recorder } from '../gateway/recorder.ts';
import { AccessLog } from '../observability/access-log.ts';
import type { ExchangeRecord } from '../observability/record.ts';
import type { ObservabilityConfig } from '../observability/schema.ts';
import { Sampler } from '../observability/trace-context.ts';

/** Where a worker's log lines go. */
export interface LogOutput {
  readonly workerId: string;
  /** Whether the destination is a terminal: `format: auto` then writes readable lines. */
  readonly terminal: boolean;
  readonly sink: (batch: Uint8Array) => void;
}

/** Tells every finished exchange to the access log, the metrics and the traces, as far as they are switched on. */
export class Recording implements Recorder {
  readonly #log: AccessLog | undefined;
  readonly #sampler: Sampler;

  constructor(config: ObservabilityConfig, output: LogOutput) {
    const { accessLog, tracing } = config;
    const format =
      accessLog.format === 'auto'
        ? output.terminal && accessLog.destination.startsWith('std')
          ? 'line'
          : 'json'
        : accessLog.format;
    this.#log = accessLog.enabled
      ? new AccessLog(accessLog, {
          format,
          colour: output.terminal,
          workerId: output.workerId,
          sink: output.sink,
        })
      : undefined;
    this.#sampler = new Sampler(tracing.endpoint === undefined ? 0 : tracing.sample);
  }

  record(exchange: ExchangeRecord): void {
    this.#log?.record(exchange);
  }

  shouldSample(traceId: string, parentSampled: boolean | undefined): boolean {
    return this.#sampler.shouldSample(traceId, parentSampled);
  }

  policyFailed(_policy: string): void {}
  upstreamFailed(_service: string, _kind: string): void {}
  requestStarted(): void {}
  requestEnded(): void {}

  flush(): void {
    this.#log?.flush();
  }

  close(): void {
    this.#log?.close();
  }
}
