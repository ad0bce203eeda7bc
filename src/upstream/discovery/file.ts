import { FileWatcher, type WatchOptions } from '../../lib/file-watcher.ts';
import { readText } from '../../lib/read-text.ts';
import { readList } from './list-file.ts';
import { Reports } from './reports.ts';
import type { Source, SourceObserver } from './source.ts';

const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** The targets that a file lists, read again whenever it changes: written, replaced, or linked to another. */
export class FileSource implements Source {
  readonly #path: string;
  readonly #reports: Reports;
  readonly #options: WatchOptions;
  #watcher: FileWatcher | undefined;
  #reading = false;
  #changedMeanwhile = false;
  #closed = false;

  /** `path` is absolute. */
  constructor(path: string, observer: SourceObserver, options: WatchOptions = {}) {
    this.#path = path;
    this.#reports = new Reports(observer);
    this.#options = options;
  }

  start(): void {
    if (this.#closed) return;
    this.#watcher = new FileWatcher(() => void this.#read(), this.#options);
    // Before the first reading, so that no change falls between the two.
    this.#watcher.watch([this.#path]);
    void this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#reports.close();
    this.#watcher?.close();
  }

  /** One reading at a time: a slow one must not overwrite what a later one found. */
  async #read(): Promise<void> {
    if (this.#reading) {
      this.#changedMeanwhile = true;
      return;
    }
    this.#reading = true;
    do {
      this.#changedMeanwhile = false;
      const failure = await this.#readOnce();
      if (failure !== undefined) this.#reports.failed(failure);
    } while (this.#changedMeanwhile && !this.#closed);
    this.#reading = false;
  }

  async #readOnce(): Promise<string | undefined> {
    const file = await readText(this.#path, MAX_FILE_BYTES);
    if (!file.ok) return `${this.#path} ${file.reason}`;
    const list = readList(file.text);
    const refused = list.ok ? this.#reports.found(list.targets) : list.reason;
    return refused === undefined ? undefined : `${this.#path}: ${refused}`;
  }
}
