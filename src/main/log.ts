import {
  jsonEntryWriter,
  type LogDetails,
  type LogEntry,
  Logger,
  readableEntryWriter,
} from '../observability/logger.ts';
import type { Log } from './messages.ts';

export interface ProcessLog {
  /** Of the main thread. */
  readonly main: Log;
  /** Of a worker: its lines name it. */
  readonly worker: (workerId: number) => Log;
}

/** The gateway's own log: readable lines in a terminal, JSON elsewhere. */
export function createLog(write: (line: string) => void, terminal: boolean, color: boolean): ProcessLog {
  const text = terminal ? readableEntryWriter(color) : jsonEntryWriter();
  const sink = (entry: LogEntry): void => write(text(entry));
  return {
    main: logOf(new Logger({ thread: 'main', sink })),
    worker: (workerId) => logOf(new Logger({ thread: `worker ${workerId}`, sink })),
  };
}

function logOf(logger: Logger): Log {
  return (level, message, detail) => {
    const details = isDetails(detail) ? detail : undefined;
    const cause = details === undefined ? detail : undefined;
    if (level === 'debug' || level === 'info') logger[level](message, details);
    else logger[level](message, details, cause);
  };
}

/** Flat plain data is written field by field; anything else is what was thrown. */
function isDetails(detail: unknown): detail is LogDetails {
  if (typeof detail !== 'object' || detail === null || detail instanceof Error) return false;
  return Object.values(detail).every(
    (value) => value === undefined || ['string', 'number', 'boolean'].includes(typeof value),
  );
}
