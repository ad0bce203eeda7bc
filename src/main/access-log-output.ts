import { LogWriter } from '../observability/log-writer.ts';
import type { AccessLogOutput } from './gateway.ts';
import type { Log } from './messages.ts';

/** Writes the access log where the configuration says, and follows it there. */
export class ConfiguredLogOutput implements AccessLogOutput {
  readonly #log: Log;
  #writer: LogWriter | undefined;
  #destination = '';
  #droppedBefore = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  get droppedLines(): number {
    return this.#droppedBefore + (this.#writer?.droppedLines ?? 0);
  }

  async configure({
    enabled,
    destination,
  }: {
    readonly enabled: boolean;
    readonly destination: string;
  }): Promise<void> {
    const wanted = enabled ? destination : '';
    if (wanted === this.#destination) return;
    const next =
      wanted === ''
        ? undefined
        : new LogWriter(wanted, { onError: (message, cause) => this.#log('error', message, cause) });
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
}
