import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface WatchOptions {
  /** Pause after the last sign of change before it is told; editors write a file in several steps. Default 100. */
  readonly debounceMs?: number;
  /** How often files are looked at without any sign: some file systems (NFS, some container mounts) give none. Default 5000. */
  readonly pollMs?: number;
  /** How long a file that is gone may stay away before that is told: editors and `ConfigMap`s swap files. Default 2000. */
  readonly missingMs?: number;
}

/**
 * Tells when one of a set of files changed. It watches their directories, not the files: an editor that writes a new file
 * and renames it over the old one, or Kubernetes that swaps a link, would leave a watch on a file that is no more.
 */
export class FileWatcher {
  readonly #changed: () => void;
  readonly #debounceMs: number;
  readonly #missingMs: number;
  readonly #poll: NodeJS.Timeout;
  readonly #watchers = new Map<string, FSWatcher>();
  #files: readonly string[] = [];
  /** What each file looked like when it was last told of, or when watching began. */
  #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #missingSince: number | undefined;
  #closed = false;

  constructor(changed: () => void, options: WatchOptions = {}) {
    this.#changed = changed;
    this.#debounceMs = options.debounceMs ?? 100;
    this.#missingMs = options.missingMs ?? 2000;
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? 5000).unref();
  }

  /** Watches these files, absolute paths, from now on. A file that was watched before keeps what is known of it. */
  watch(files: readonly string[]): void {
    if (this.#closed) return;
    this.#files = files;
    this.#seen = new Map(files.map((file) => [file, this.#seen.get(file) ?? fingerprint(file)]));
    const directories = new Set(files.map(dirname));
    for (const [directory, watcher] of this.#watchers) {
      if (directories.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    this.#watchDirectories();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watchDirectories(): void {
    for (const directory of new Set(this.#files.map(dirname))) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#stir());
        watcher.on('error', () => this.#forget(directory, watcher));
        this.#watchers.set(directory, watcher);
      } catch {
        // The directory is not there, or the system has no watches left: the poll looks again.
      }
    }
  }

  #forget(directory: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(directory) === watcher) this.#watchers.delete(directory);
  }

  /** Something happened in a directory: look once it is quiet. */
  #stir(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#debounceMs);
  }

  #look(): void {
    if (this.#closed) return;
    this.#watchDirectories();
    const now = new Map(this.#files.map((file) => [file, fingerprint(file)]));
    const changed = this.#files.some((file) => now.get(file) !== this.#seen.get(file));
    if (!changed) {
      this.#missingSince = undefined;
      return;
    }
    if ([...now.values()].includes(MISSING)) {
      this.#missingSince ??= Date.now();
      const leftMs = this.#missingSince + this.#missingMs - Date.now();
      if (leftMs > 0) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, this.#debounceMs));
        return;
      }
    }
    this.#missingSince = undefined;
    this.#seen = now;
    this.#changed();
  }
}

const MISSING = 'missing';

/** Differs when the file was written, replaced, or linked to another one. */
function fingerprint(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined
    ? MISSING
    : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
