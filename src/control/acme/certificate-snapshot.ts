import { z } from 'zod';
import { readText } from '../../lib/read-text.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import type { CertificateRow } from './tables.ts';

const MAX_BYTES = 64 * 1024 ** 2;

const snapshotSchema = z.array(
  z.strictObject({
    name: z.string(),
    ordered: z.string(),
    value: z.string(),
    secrets: z.string().nullable(),
    issued_at_ms: z.number(),
    renew_at_ms: z.number(),
  }),
);

/** The file with the certificates that the store held last, for a start without it: keys are encrypted as in the store. */
export class CertificateSnapshot {
  readonly #file: string;
  #written: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** None where there is no file, or one that cannot be used: then they are served when the store is back. */
  async read(): Promise<readonly CertificateRow[]> {
    const read = await readText(this.#file, MAX_BYTES);
    if (!read.ok) return [];
    try {
      return snapshotSchema.parse(JSON.parse(read.text));
    } catch {
      return [];
    }
  }

  /** One after the other. Rejects where the file cannot be written. */
  write(rows: readonly CertificateRow[]): Promise<void> {
    this.#written = this.#written.catch(() => {}).then(() => replaceFile(this.#file, JSON.stringify(rows)));
    return this.#written;
  }
}
