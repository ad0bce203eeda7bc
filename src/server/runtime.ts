import type { ListenerRuntime, Snapshot } from '../gateway/snapshot.ts';
import type { FieldNames } from '../http/field-names.ts';
import type { DateField } from '../http/serialise.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import type { TraceIds } from '../observability/trace-context.ts';
import type { HttpChallenges } from './challenges.ts';
import type { ListenerConfig } from './schema.ts';

/** A listener as its connections see it: what a reload swaps as a whole, while the socket stays. */
export interface BoundListener {
  readonly current: ServerListener;
  /** Connections close after the request that they are at. */
  readonly draining: boolean;
  /** Told once, when the connection is gone. */
  onClosed(connection: OpenConnection): void;
}

/** A connection as its listener keeps it. */
export interface OpenConnection {
  /** The address that the connection limits know it by. */
  readonly countedAs: string;
  /** Closes now when idle, else after the answer that is due. */
  drain(): void;
  /** Closes now, whatever is going on. */
  abort(): void;
}

export interface ServerListener extends ListenerRuntime {
  readonly config: ListenerConfig;
}

/** What the connections of one worker share. */
export interface WorkerRuntime {
  /** Where the next request begins. */
  snapshot: Snapshot;
  draining: boolean;
  readonly deadlines: Deadlines;
  readonly names: FieldNames;
  readonly date: DateField;
  readonly traceIds: TraceIds;
  /** While an ACME server may ask for some. */
  challenges: HttpChallenges | undefined;
}
