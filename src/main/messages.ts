import type { MessagePort } from 'node:worker_threads';
import type { ChallengesNews } from '../server/challenges.ts';
import type { TlsNews } from '../server/tls/tls-news.ts';
import type { TargetsNews } from '../upstream/targets-message.ts';
import type { SentConfig } from './sent-config.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes one line to the gateway's own log (not the access log). */
export type Log = (level: LogLevel, message: string, detail?: unknown) => void;

/** What a worker thread is started with (`workerData`). */
export interface WorkerStart {
  readonly workerId: number;
  readonly reusePort: boolean;
  /** Whether readable access-log lines have colours. */
  readonly color: boolean;
  readonly connectionCounters: SharedArrayBuffer;
  readonly limitTable: SharedArrayBuffer;
  readonly quotaTable: SharedArrayBuffer;
  /** To `RecordsDesk` in the main thread; what is said there is in state/records/memory/messages.ts. */
  readonly records: MessagePort;
  readonly metricsBuffer?: SharedArrayBuffer | undefined;
}

export interface WorkerStats {
  readonly connections: number;
  readonly requestsInFlight: number;
}

/** What the main thread tells every worker, at any time. */
export type News = TargetsNews | ChallengesNews | TlsNews;

/**
 * From the supervisor to a worker. A generation numbers a configuration; `prepare` is answered by `prepared` or `refused`,
 * and what was prepared is held until `commit` or `discard` names the same generation. Where it is sent as changes, they are those
 * from the configuration that was committed last.
 */
export type ToWorker =
  | { readonly kind: 'prepare'; readonly generation: number; readonly config: SentConfig }
  | { readonly kind: 'commit'; readonly generation: number }
  | { readonly kind: 'discard'; readonly generation: number }
  | News
  | { readonly kind: 'drain'; readonly limitMs: number }
  | { readonly kind: 'ping' };

/** From a worker to the supervisor. */
export type FromWorker =
  | { readonly kind: 'prepared'; readonly generation: number }
  | { readonly kind: 'refused'; readonly generation: number; readonly reason: string }
  | { readonly kind: 'drained' }
  | WorkerNews;

/** What is not the answer to a question that the supervisor waits for. */
export type WorkerNews = { readonly kind: 'pong'; readonly stats: WorkerStats } | WorkerOutput;

/** What a worker says of its own accord. */
export type WorkerOutput =
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string; readonly detail: unknown }
  | { readonly kind: 'accessLog'; readonly batch: Uint8Array }
  | { readonly kind: 'metrics'; readonly message: unknown };
