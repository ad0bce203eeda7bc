import { messageOf } from '../../lib/message-of.ts';
import type { EntryName, KeptEntry, RecordTable } from '../../state/records/memory/record-table.ts';
import { RecordBox } from './record-box.ts';
import { nameOf, RecordFile } from './record-file.ts';
import { keyFrom } from './record-key.ts';

export interface RecordKeeperOptions {
  readonly table: RecordTable;
  readonly path: string;
  /** Undefined: in a file beside it. */
  readonly key: string | undefined;
  readonly log: (level: 'warn' | 'error', message: string, detail?: unknown) => void;
  /** For tests. */
  readonly open?: (path: string) => RecordFile;
}

/** How long a change may wait to be written: a process that is killed loses no more than that. */
const DELAY_MS = 200;
/** Written before others on the thread have their turn: 2 to 4 ms of it. */
const CHANGES_AT_ONCE = 200;

/** Keeps the records of this machine in an encrypted file, so that a restart signs nobody out. Nothing is opened before `start`. */
export class RecordKeeper {
  readonly #options: RecordKeeperOptions;
  readonly #changed = new Map<string, EntryName>();
  #open: { readonly file: RecordFile; readonly box: RecordBox } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #fails = false;

  constructor(options: RecordKeeperOptions) {
    this.#options = options;
  }

  /** Puts what the file holds into the table, once, and begins to write. Throws an Error where the file cannot be used: it is left as it is. */
  start(): void {
    if (this.#open !== undefined) return;
    const { path, table, log, open } = this.#options;
    let file: RecordFile | undefined;
    try {
      file = open?.(path) ?? new RecordFile(path);
      const box = new RecordBox(this.#key(file.isEmpty));
      const { entries, lastNumber } = file.read(box);
      table.continueAfter(lastNumber);
      const lost = entries.filter((entry) => !table.restore(entry)).length;
      if (lost > 0) log('warn', `there is no room for ${lost} records: state.memory.records is too low`);
      this.#open = { file, box };
      table.onKept = (name) => this.#note(name);
      // What ended while the gateway was not running.
      for (const entry of entries) if (table.kept(nameIn(entry)) === undefined) this.#note(nameIn(entry));
      // A key is known to be the right one by what it has written.
      this.#write([]);
    } catch (error) {
      this.#open = undefined;
      file?.close();
      const reason = messageOf(error);
      throw new Error(`the records in ${path} cannot be used: ${reason}`, { cause: error });
    }
  }

  /** Writes what has changed. What cannot be written is tried again the next time. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#changed.size > 0 && this.#writeSome());
  }

  /** Call it when nobody writes records any more. */
  close(): void {
    this.flush();
    // Fences of leases are written with nothing else.
    if (this.#open !== undefined) this.#writeSome();
    this.#open?.file.close();
    this.#open = undefined;
  }

  #key(isEmpty: boolean): string {
    const { key, path, log } = this.#options;
    if (key !== undefined) return key;
    const keyPath = `${path}.key`;
    const found = keyFrom(keyPath, isEmpty);
    if (found.isNew)
      log(
        'warn',
        `${path} is encrypted with a new key in ${keyPath}: whoever reads both reads the sessions; state.memory.recordsKey keeps the key elsewhere`,
      );
    return found.key;
  }

  #note({ key, member }: EntryName): void {
    const name = { key, member };
    this.#changed.set(nameOf(name), name);
    if (this.#open === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#turn, DELAY_MS);
    this.#timer.unref();
  }

  /** A long list is written in turns, between which the thread answers. */
  readonly #turn = (): void => {
    this.#timer = undefined;
    const isWritten = this.#writeSome();
    if (this.#changed.size === 0) return;
    this.#timer = setTimeout(this.#turn, isWritten ? 0 : DELAY_MS);
    this.#timer.unref();
  };

  #writeSome(): boolean {
    const { table, path, log } = this.#options;
    const some: [string, EntryName][] = [];
    for (const change of this.#changed) if (some.push(change) === CHANGES_AT_ONCE) break;
    const changes = some.map(([, name]): [EntryName, KeptEntry | undefined] => [name, table.kept(name)]);
    try {
      this.#write(changes);
    } catch (error) {
      const reason = messageOf(error);
      if (!this.#fails) log('error', `records cannot be written to ${path}: ${reason}`);
      this.#fails = true;
      return false;
    }
    this.#fails = false;
    for (const [name] of some) this.#changed.delete(name);
    return true;
  }

  #write(changes: readonly (readonly [EntryName, KeptEntry | undefined])[]): void {
    this.#open?.file.write(this.#open.box, changes, this.#options.table.lastNumber);
  }
}

function nameIn(entry: KeptEntry): EntryName {
  return entry.kind === 'record'
    ? { key: entry.key, member: undefined }
    : { key: entry.set, member: entry.member };
}
