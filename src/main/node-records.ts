import { resolve } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { LoadedConfig } from '../control/config/load.ts';
import { RecordKeeper } from '../control/records/record-keeper.ts';
import { RecordTable } from '../state/records/memory/record-table.ts';
import { RecordsDesk } from '../state/records/memory/records-desk.ts';
import type { Log } from './messages.ts';

export interface NodeRecordsOptions {
  readonly memory: LoadedConfig['state']['memory'];
  /** That paths in the configuration are relative to. */
  readonly directory: string;
  readonly log: Log;
}

/** The records of this machine: a table in the main thread, which the workers ask, and its file. */
export class NodeRecords {
  readonly table: RecordTable;
  readonly #desk: RecordsDesk;
  readonly #keeper: RecordKeeper;

  constructor({ memory, directory, log }: NodeRecordsOptions) {
    const { records, recordsFile, recordsKey } = memory;
    this.table = new RecordTable({ maxBytes: records, nowMs: Date.now });
    this.#desk = new RecordsDesk(this.table);
    this.#keeper = new RecordKeeper({
      table: this.table,
      path: resolve(directory, recordsFile),
      key: recordsKey,
      log,
    });
  }

  /** For one worker. */
  connect(): MessagePort {
    return this.#desk.connect();
  }

  /** Opens the file where a configuration has sessions that it has to keep. Throws an Error where it cannot be used. */
  keepFor(config: LoadedConfig): void {
    if (signsInInMemory(config)) this.#keeper.start();
  }

  /** Call it when no worker is left. */
  close(): void {
    this.#desk.close();
    this.#keeper.close();
  }
}

function signsInInMemory({ dataPlane, state }: LoadedConfig): boolean {
  const usual = state.redis === undefined ? 'memory' : 'redis';
  const sessions = Object.values(dataPlane.identity?.sessions ?? {});
  return sessions.some(({ store }) => (store ?? usual) === 'memory');
}
