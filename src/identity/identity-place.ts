import type { Timers } from '../lib/timers.ts';
import type { RecordStores } from '../state/records/record-stores.ts';

/** What it is made in. */
export interface IdentityPlace {
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Where sessions and the like are kept. */
  readonly records: RecordStores;
  /** Default: the process's own. */
  readonly timers?: Timers;
}
