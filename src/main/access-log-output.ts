import { TimeText } from '../observability/log-time.ts';
import { LogWriter, type LogWriterOptions } from '../observability/log-writer.ts';
import type { AccessLogOutput } from './gateway.ts';
import type { Log } from './messages.ts';

type Configuration = Parameters<AccessLogOutput['configure']>[0];

/** Writes the access log where the configuration says, and follows it there. */
export class ConfiguredLogOutput implements AccessLogOutput {
  readonly #log: Log;
  readonly #options: Pick<LogWriterOptions, 'files' | 'maxQueueBytes'>;
  readonly #time = new TimeText();
  #writer: LogWriter | undefined;
  #destination = '';
  #format: Configuration['format'] = 'json';
  #droppedBefore = 0;

  constructor(log: Log, options: Pick<LogWriterOptions, 'files' | 'maxQueueBytes'> = {}) {
    this.#log = log;
    this.#options = options;
  }

  get droppedLines(): number {
    return this.#droppedBefore + (this.#writer?.droppedLines ?? 0);
  }

  async configure({ enabled, destination, format }: Configuration): Promise<void> {
    // Also where the destination stays or cannot be opened: what the workers write has this format from here on.
    this.#format = format;
    const wanted = enabled ? destination : '';
    if (wanted === this.#destination) return;
    const next = wanted === '' ? undefined : this.#open(wanted);
    const before = this.#writer;
    this.#writer = next;
    this.#destination = wanted;
    await before?.close();
    this.#droppedBefore += before?.droppedLines ?? 0;
  }

  write(batch: Uint8Array): void {
    this.#writer?.write(batch);
  }

  reopen(): void {
    this.#writer?.reopen();
  }

  async close(): Promise<void> {
    await this.#writer?.close();
  }

  #open(destination: string): LogWriter {
    return new LogWriter(destination, {
      ...this.#options,
      dropNotice: (lines) => this.#dropNotice(lines),
      onError: (message, cause) => this.#log('error', message, cause),
    });
  }

  /** Whoever reads the log learns that it is not whole. */
  #dropNotice(lines: number): string {
    const now = Date.now();
    return this.#format === 'json'
      ? `${JSON.stringify({ time: new Date(now).toISOString(), droppedLines: lines })}\n`
      : `${this.#time.local(now)} lines dropped here: ${lines}\n`;
  }
}
