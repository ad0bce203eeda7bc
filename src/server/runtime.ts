import type { ListenerRuntime, Snapshot } from '../gateway/snapshot.ts';
import type { FieldNames } from '../http/field-names.ts';
import type { DateField } from '../http/serialise.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import type { TraceIds } from '../observability/trace-context.ts';
import type { ListenerConfig } from './schema.ts';

/** A listener as its connections see it: what a reload swaps as a whole, while the socket stays. */
export interface BoundListener {
  current: ServerListener;
  /** Connections close after the request that they are at. */
  readonly draining: boolean;
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
}
