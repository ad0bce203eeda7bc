import { copyOf } from '../lib/octets.ts';
import { jsonLineWriter } from './access-line-json.ts';
import { bounded, printable, wireText } from './log-text.ts';
import { shortMillisText, TimeText } from './log-time.ts';
import type { ExchangeRecord } from './record.ts';
import type { ObservabilityConfig } from './schema.ts';
import { isSecretField, redactQuery } from './secrets.ts';

export type AccessLogConfig = ObservabilityConfig['accessLog'];

export interface AccessLogOptions {
  /** How lines look; `auto` is decided by whoever knows the destination. */
  readonly format: 'json' | 'line';
  /** ANSI colours in readable lines. Default: none. */
  readonly colour?: boolean;
  readonly workerId: string;
  /** Takes whole lines in UTF-8. The bytes are its own to keep or to transfer. */
  readonly sink: (batch: Uint8Array) => void;
}

/**
 * Lines are handed on when there are this many octets of them, ... Each batch wakes the main thread, which with batches of 16 KiB was
 * the largest single cost on the data path.
 */
const BATCH_BYTES = 256 * 1024;
/** ... or when the oldest has waited this long. */
const BATCH_MS = 100;

/**
 * Writes one line per exchange, in the worker that served it, and hands lines on in batches: the data path never waits for a disk.
 * Throws when the configuration names a header that holds a credential.
 */
export class AccessLog {
  readonly #enabled: boolean;
  readonly #write: (record: ExchangeRecord) => string;
  readonly #sink: (batch: Uint8Array) => void;
  readonly #flush = (): void => {
    this.#timer = undefined;
    this.flush();
  };
  /** Lines in UTF-8, up to `#end`. A line is encoded at once: kept as a string, it would be copied by each garbage collection. */
  #batch: Buffer | undefined;
  #end = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: AccessLogConfig, options: AccessLogOptions) {
    for (const name of config.headers) {
      if (isSecretField(name)) throw new Error(`the field ${name} carries credentials and is never logged`);
    }
    this.#enabled = config.enabled;
    this.#sink = options.sink;
    this.#write =
      options.format === 'json'
        ? jsonLineWriter(config.fields, config.headers, options.workerId)
        : readableLine(config, options.colour ?? false);
  }

  record(record: ExchangeRecord): void {
    if (!this.#enabled) return;
    const line = this.#write(record);
    // No character of a line takes more than three octets: what does is written as two of them.
    const most = line.length * 3;
    if (this.#end + most > BATCH_BYTES) this.flush();
    if (this.#batch === undefined || most > this.#batch.length)
      this.#batch = Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, most));
    this.#end += this.#batch.write(line, this.#end, 'utf8');
    // Not cleared when a full batch goes first: a busy worker then starts ten timers a second, not one per batch.
    this.#timer ??= setTimeout(this.#flush, BATCH_MS).unref();
  }

  flush(): void {
    const batch = this.#batch;
    if (batch === undefined || this.#end === 0) return;
    const lines = batch.subarray(0, this.#end);
    this.#end = 0;
    // Of a batch that is mostly empty only the lines go: what waits for a slow disk is counted by them.
    if (lines.length * 2 < batch.length) {
      this.#sink(copyOf(lines, 0, lines.length));
    } else {
      this.#batch = undefined;
      this.#sink(lines);
    }
  }

  /** Hands on what is left. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.flush();
  }
}

/** `12:03:11.123 GET  https://host/path 200 1.2ms route->service target`, then the code and the cause of a failure. */
function readableLine(config: AccessLogConfig, colour: boolean): (record: ExchangeRecord) => string {
  const time = new TimeText();
  const withQuery = config.fields.includes('query');
  return (r) => {
    const { request } = r;
    const host = request.authority || request.host;
    const query = withQuery ? redactQuery(request.search, r.secretParameters) : '';
    const url =
      host === '' && request.path === '' ? '-' : `${request.scheme}://${host}${request.path}${query}`;
    const status = String(r.response.status);
    let line = `${time.local(r.startedAt)} ${readable(request.method || '-').padEnd(4)} ${readable(url)} `;
    line += colour ? `\x1b[${statusColour(r.response.status)}m${status}\x1b[0m` : status;
    line += ` ${shortMillisText(r.durationMs)}`;
    if (r.routeName !== '') line += ` ${printable(r.routeName)}`;
    if (r.serviceName !== undefined) line += `->${printable(r.serviceName)}`;
    if (r.targetName !== '') line += ` ${printable(r.targetName)}`;
    if (r.principal !== undefined && r.principal.consumer !== '')
      line += ` @${printable(bounded(r.principal.consumer))}`;
    if (r.code !== '') line += ` ${printable(r.code)}`;
    if (r.error !== '') line += ` (${printable(bounded(r.error))})`;
    return `${line}\n`;
  };
}

function readable(text: string): string {
  return printable(wireText(bounded(text)));
}

/** Green for what went well, cyan for elsewhere, yellow for the client's faults, red for ours. */
function statusColour(status: number): number {
  if (status >= 500 || status < 100) return 31;
  if (status >= 400) return 33;
  return status >= 300 ? 36 : 32;
}
