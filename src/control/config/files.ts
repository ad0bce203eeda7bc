import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export type FileResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** Reads the files of one configuration, each once, and remembers which. */
export class FileReader {
  readonly #directory: string;
  readonly #reads = new Map<string, Promise<FileResult>>();
  readonly #noted = new Set<string>();

  /** `configFile`: absolute; what it names is relative to its directory. */
  constructor(configFile: string) {
    this.#directory = dirname(configFile);
  }

  /** Every file asked for, those that are missing too: they may come. */
  get files(): readonly string[] {
    return [...new Set([...this.#noted, ...this.#reads.keys()])];
  }

  /** Counts a file as read that someone else read. */
  note(file: string): void {
    this.#noted.add(file);
  }

  absolute(path: string): string {
    return resolve(this.#directory, path);
  }

  /** Text of a file, as UTF-8. Never rejects. */
  read(path: string, maxBytes: number): Promise<FileResult> {
    const file = this.absolute(path);
    let read = this.#reads.get(file);
    if (read === undefined) {
      read = readText(file, maxBytes);
      this.#reads.set(file, read);
    }
    return read;
  }
}

/** Size limit of a configuration. */
export const MAX_FILE_BYTES = 64 * 1024 ** 2;
/** Size limit of a secret, a certificate, a policy. */
export const MAX_SMALL_FILE_BYTES = 4 * 1024 ** 2;

async function readText(file: string, maxBytes: number): Promise<FileResult> {
  try {
    const handle = await open(file, 'r');
    try {
      const stat = await handle.stat();
      if (stat.isDirectory()) return { ok: false, reason: 'is a directory' };
      // A device or a pipe could be without end.
      if (!stat.isFile()) return { ok: false, reason: 'is not a regular file' };
      if (stat.size > maxBytes) return { ok: false, reason: `is larger than ${maxBytes / 1024 ** 2} MiB` };
      const bytes = await handle.readFile();
      if (bytes.length > maxBytes) return { ok: false, reason: `is larger than ${maxBytes / 1024 ** 2} MiB` };
      return { ok: true, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read (no permission)';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text';
    default:
      return `cannot be read (${typeof code === 'string' ? code : 'unknown reason'})`;
  }
}

/** Short digest of a content, for addresses and comparison. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
