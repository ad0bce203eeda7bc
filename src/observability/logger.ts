import { jsonText, printable } from './log-text.ts';
import { TimeText } from './log-time.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/** An error as plain data, so that it crosses from a worker to the main thread with its causes. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  /** Where it was thrown; only of errors without a code, which are faults of a program and not of its surroundings. */
  readonly stack?: string;
  readonly cause?: ErrorText;
}

/** One line of the gateway's own log, before it is text. Plain data: workers post it to the main thread. */
export interface LogEntry {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  /** Which thread says so: `main` or a worker's id. */
  readonly thread: string;
  readonly details?: LogDetails;
  readonly error?: ErrorText;
}

export interface LoggerOptions {
  readonly thread: string;
  /** Entries below it are not made. Default: info. */
  readonly level?: LogLevel;
  readonly sink: (entry: LogEntry) => void;
  /** Epoch milliseconds. Default: Date.now. */
  readonly now?: () => number;
}

/** An error's chain of causes is followed this far; it may be a circle. */
const MAX_CAUSES = 8;
const MAX_TEXT_CHARS = 8192;

/** The gateway's own log: start, reload, a worker that died. Requests are in the access log. */
export class Logger {
  readonly #thread: string;
  readonly #level: number;
  readonly #sink: (entry: LogEntry) => void;
  readonly #now: () => number;

  constructor(options: LoggerOptions) {
    this.#thread = options.thread;
    this.#level = LOG_LEVELS.indexOf(options.level ?? 'info');
    this.#sink = options.sink;
    this.#now = options.now ?? Date.now;
  }

  debug(message: string, details?: LogDetails): void {
    this.#log('debug', message, details, undefined);
  }

  info(message: string, details?: LogDetails): void {
    this.#log('info', message, details, undefined);
  }

  /** `cause` is what was thrown, if something was. */
  warn(message: string, details?: LogDetails, cause?: unknown): void {
    this.#log('warn', message, details, cause);
  }

  error(message: string, details?: LogDetails, cause?: unknown): void {
    this.#log('error', message, details, cause);
  }

  #log(level: LogLevel, message: string, details: LogDetails | undefined, cause: unknown): void {
    if (LOG_LEVELS.indexOf(level) < this.#level) return;
    this.#sink({
      time: this.#now(),
      level,
      message,
      thread: this.#thread,
      ...(details === undefined ? undefined : { details }),
      ...(cause === undefined ? undefined : { error: errorText(cause) }),
    });
  }
}

/** Anything thrown as plain data, with its causes. */
export function errorText(thrown: unknown, depth = 1): ErrorText {
  if (!(thrown instanceof Error)) return { name: 'Error', message: cut(String(thrown)) };
  const { code } = thrown as NodeJS.ErrnoException;
  const cause =
    thrown.cause !== undefined && depth < MAX_CAUSES ? errorText(thrown.cause, depth + 1) : undefined;
  return {
    name: thrown.name,
    message: cut(thrown.message),
    ...(typeof code === 'string'
      ? { code }
      : thrown.stack === undefined
        ? undefined
        : { stack: cut(thrown.stack) }),
    ...(cause === undefined ? undefined : { cause }),
  };
}

/** Makes the writer of entries in JSON: one object per line, `time`, `level`, `thread`, `message` first. */
export function jsonEntryWriter(): (entry: LogEntry) => string {
  const time = new TimeText();
  return (entry) => {
    let line = `{"time":"${time.iso(entry.time)}Z","level":"${entry.level}","thread":${jsonText(entry.thread)}`;
    line += `,"message":${jsonText(entry.message)}`;
    for (const name in entry.details) {
      const value = entry.details[name];
      if (value === undefined) continue;
      line += `,${jsonText(RESERVED.has(name) ? `${name}_` : name)}:`;
      line += typeof value === 'string' ? jsonText(cut(value)) : JSON.stringify(value);
    }
    if (entry.error !== undefined) line += `,"error":${errorJson(entry.error)}`;
    return `${line}}\n`;
  };
}

/** Makes the writer of entries for people: `12:03:11.123 warn  message name=value: cause: its cause`. */
export function readableEntryWriter(colour = false): (entry: LogEntry) => string {
  const time = new TimeText();
  return (entry) => {
    const level = entry.level.padEnd(5);
    let line = `${time.local(entry.time)} ${colour ? `\x1b[${COLOURS[entry.level]}m${level}\x1b[0m` : level} `;
    if (entry.thread !== 'main') line += `[${printable(entry.thread)}] `;
    line += printable(entry.message);
    for (const name in entry.details) {
      const value = entry.details[name];
      if (value === undefined) continue;
      const text = printable(cut(String(value)));
      line += ` ${printable(name)}=${/^[^\s"=]+$/.test(text) ? text : jsonText(text)}`;
    }
    let stack: string | undefined;
    for (let error = entry.error; error !== undefined; error = error.cause) {
      line += `: ${printable(error.message || error.name)}`;
      if (error.code !== undefined && !error.message.includes(error.code))
        line += ` (${printable(error.code)})`;
      stack = error.stack ?? stack;
    }
    line += '\n';
    // The innermost stack is where it began. Its first line repeats the message.
    for (const at of stack?.split('\n') ?? [])
      if (/^\s+at /.test(at)) line += `    ${printable(at.trim())}\n`;
    return line;
  };
}

const RESERVED: ReadonlySet<string> = new Set(['time', 'level', 'thread', 'message', 'error']);
const COLOURS: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

function errorJson(error: ErrorText): string {
  let json = `{"name":${jsonText(error.name)},"message":${jsonText(error.message)}`;
  if (error.code !== undefined) json += `,"code":${jsonText(error.code)}`;
  if (error.stack !== undefined) json += `,"stack":${jsonText(error.stack)}`;
  if (error.cause !== undefined) json += `,"cause":${errorJson(error.cause)}`;
  return `${json}}`;
}

function cut(text: string): string {
  return text.length <= MAX_TEXT_CHARS ? text : `${text.slice(0, MAX_TEXT_CHARS)}...`;
}
