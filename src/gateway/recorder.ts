import type { ExchangeRecord } from '../observability/record.ts';
import type { CopyOutcome } from '../observability/worker-metrics.ts';

/** Where every finished exchange is told: access log, metrics, traces. Made anew with each configuration. */
export interface Recorder {
  record(exchange: ExchangeRecord): void;
  /** Whether a trace is recorded; `parentSampled` is what the caller's traceparent says, undefined without one. */
  shouldSample(traceId: string, parentSampled: boolean | undefined): boolean;
  policyFailed(policy: string): void;
  upstreamFailed(service: string, kind: string): void;
  /** What became of a copy for the mirror `service`. */
  mirrored(service: string, outcome: CopyOutcome): void;
  requestStarted(): void;
  requestEnded(): void;
  close(): Promise<void>;
}
