import type { Fields } from '../http/fields.ts';
import type { RouteNotes } from './route-notes.ts';

/**
 * What log, metrics and traces read of a finished exchange. The exchange itself has this shape, so nothing is copied.
 * A request refused before it could be parsed has empty strings and status 4xx.
 */
export interface ExchangeRecord {
  readonly id: string;
  /** 32 hex digits. */
  readonly traceId: string;
  /** Span of this exchange, 16 hex digits. */
  readonly spanId: string;
  /** Span of the caller, or empty. */
  readonly parentSpanId: string;
  readonly sampled: boolean;
  /** Epoch milliseconds of the first octet. */
  readonly startedAt: number;
  /** Milliseconds from the first octet in to the last octet out. */
  readonly durationMs: number;
  /** Milliseconds from the request being sent on to the head of the answer; -1 when no upstream was asked. */
  readonly upstreamMs: number;
  /** Milliseconds from the first octet in to the last request being sent on, for the trace; 0 when it is not given. */
  readonly upstreamAfterMs?: number;
  readonly client: { readonly address: string; readonly peerAddress: string };
  /** Who calls, as far as it was found out. Only the name: nothing of the credentials. */
  readonly principal?: { readonly consumer: string } | undefined;
  readonly listenerName: string;
  readonly request: {
    readonly method: string;
    readonly scheme: 'http' | 'https';
    readonly authority: string;
    readonly host: string;
    readonly path: string;
    readonly search: string;
    readonly version: number;
    readonly fields: Fields;
  };
  /** Query parameters, in small letters, that hold credentials here, beside those that do so everywhere. */
  readonly secretParameters?: ReadonlySet<string> | undefined;
  readonly response: { readonly status: number; readonly fields: Fields };
  /** Stable code of an answer made here (`route_not_found`, ...), or empty. */
  readonly code: string;
  /** Cause, for the log alone, or empty. */
  readonly error: string;
  /** Empty when none was found. */
  readonly routeName: string;
  readonly routeNotes: RouteNotes;
  readonly serviceName: string | undefined;
  /** host:port asked last, or empty. */
  readonly targetName: string;
  readonly attempts: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}
