import { messageOf } from '../../lib/message-of.ts';
import type { QuotaRecord } from '../../state/quota/quota.ts';
import type { QuotaTable } from '../../state/quota/quota-table.ts';
import { QuotaFile, QuotaFileInUse } from './quota-file.ts';

export interface QuotaKeeperOptions {
  readonly table: QuotaTable;
  readonly path: string;
  readonly log: (level: 'warn' | 'error', message: string, detail?: unknown) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Between two looks at what has changed: what a process that dies has counted since the last is lost. */
const FLUSH_MS = 1000;
const FORGET_MS = 3_600_000;

/** Keeps what the workers count in a file. Nothing is opened before `start`. */
export class QuotaKeeper {
  readonly #options: QuotaKeeperOptions;
  /** Of each slot, what `changesOf` said when it was written. */
  readonly #written: Int32Array;
  #file: QuotaFile | undefined;
  #timer: NodeJS.Timeout | undefined;
  #forgotAtMs = 0;
  #fails = false;

  constructor(options: QuotaKeeperOptions) {
    this.#options = options;
    this.#written = new Int32Array(options.table.slots);
  }

  /** Puts what the file holds into the table, once, and begins to write. Throws an Error where the file cannot be used. */
  start(): void {
    if (this.#file !== undefined) return;
    const { table, path, log, nowMs } = this.#options;
    const now = nowMs();
    let kept: readonly QuotaRecord[];
    let file: QuotaFile | undefined;
    try {
      file = new QuotaFile(path);
      kept = file.read(now);
    } catch (error) {
      file?.close();
      if (error instanceof QuotaFileInUse)
        throw new Error(
          `the quotas in ${path} are in use by another gateway: give each a file of its own, or let them count in Redis`,
          { cause: error },
        );
      throw new Error(`the quotas in ${path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
    let lost = 0;
    for (const record of kept) if (!table.restore(record, now)) lost++;
    if (lost > 0)
      log('warn', `there is no room for the quotas of ${lost} consumers: state.memory.quotas is too low`);
    this.#file = file;
    this.#timer = setInterval(() => this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** Writes what has changed. What cannot be written is tried again the next time. */
  flush(): void {
    if (this.#file === undefined) return;
    const { table, nowMs, log, path } = this.#options;
    const slots: (readonly [slot: number, changes: number])[] = [];
    const records: QuotaRecord[] = [];
    for (let slot = 0; slot < table.slots; slot++) {
      const changes = table.changesOf(slot);
      if (changes === this.#written[slot]) continue;
      const record = table.read(slot, (found) => found);
      if (record === undefined) continue;
      slots.push([slot, changes]);
      records.push(record);
    }
    try {
      if (records.length > 0) this.#file.write(records);
      const now = nowMs();
      if (now - this.#forgotAtMs >= FORGET_MS) {
        this.#file.forgetEnded(now);
        this.#forgotAtMs = now;
      }
    } catch (error) {
      if (!this.#fails) log('error', `quotas cannot be written to ${path}: ${messageOf(error)}`);
      this.#fails = true;
      return;
    }
    this.#fails = false;
    for (const [slot, changes] of slots) this.#written[slot] = changes;
  }

  /** Call it when nobody counts any more. */
  close(): void {
    clearInterval(this.#timer);
    this.flush();
    this.#file?.close();
    this.#file = undefined;
  }
}
