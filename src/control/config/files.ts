import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { type BytesResult, type FileResult, readBytes, readText } from '../../lib/read-text.ts';

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

  /** What a file holds that is no text. Never rejects. */
  bytes(path: string, maxBytes: number): Promise<BytesResult> {
    const file = this.absolute(path);
    this.note(file);
    return readBytes(file, maxBytes);
  }
}

/** Size limit of a configuration and of a list of addresses. */
export const MAX_FILE_BYTES = 64 * 1024 ** 2;
/** Size limit of a secret, a certificate, a policy. */
export const MAX_SMALL_FILE_BYTES = 4 * 1024 ** 2;

/** Size limit of a database of countries; the larger ones that are known have 120 MiB. */
export const MAX_DATABASE_BYTES = 256 * 1024 ** 2;

/** Short digest of a content, for addresses and comparison. */
export function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}
