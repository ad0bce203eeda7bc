import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { causeOf } from '../../../lib/cause.ts';
import { readText } from '../../../lib/read-text.ts';
import { replaceFile } from '../../../lib/replace-file.ts';
import { MAX_TARGETS } from '../target-description.ts';
import { keptSchema, type Registration } from './registration.ts';
import type { RegistryStorage } from './registry.ts';

/** 10,000 registrations with all their tags at full length stay far below. */
const MAX_BYTES = 256 * 1024 ** 2;

const fileSchema = z.strictObject({ version: z.literal(1), targets: z.array(keptSchema).max(MAX_TARGETS) });

export type KeptRegistrations =
  | {
      readonly ok: true;
      readonly registrations: readonly Registration[];
      /** The file could not be understood: why, and under which name it is kept. */
      readonly refused?: { readonly cause: string; readonly keptAs: string };
    }
  /** It is there and cannot be read. To go on would write over it. */
  | { readonly ok: false; readonly cause: string };

/** The registry's file: JSON, replaced as a whole, so that a crash leaves the old one or the new one. */
export class RegistryFile implements RegistryStorage {
  readonly #file: string;

  /** An absolute path. The directory is made when it is not there. One process has the file at a time. */
  constructor(file: string) {
    this.#file = file;
  }

  /** What is kept. A file that is no registry is moved aside, with `now` (epoch milliseconds) in its name, and the registry begins empty. */
  async read(now = Date.now()): Promise<KeptRegistrations> {
    const file = await readText(this.#file, MAX_BYTES);
    if (!file.ok) {
      if (file.kind === 'missing') return { ok: true, registrations: [] };
      if (file.kind === 'unreadable') return { ok: false, cause: `${this.#file} ${file.reason}` };
      return this.#moveAside(file.reason, now);
    }
    let value: unknown;
    try {
      value = JSON.parse(file.text);
    } catch {
      return this.#moveAside('is not JSON', now);
    }
    const parsed = fileSchema.safeParse(value);
    if (parsed.success) return { ok: true, registrations: parsed.data.targets };
    const [issue] = parsed.error.issues;
    return this.#moveAside(`is no registry: ${issue?.path.join('.')}: ${issue?.message}`, now);
  }

  async write(registrations: readonly Registration[]): Promise<string | undefined> {
    const text = `${JSON.stringify({ version: 1, targets: registrations })}\n`;
    try {
      await mkdir(dirname(this.#file), { recursive: true });
      await replaceFile(this.#file, text);
      return undefined;
    } catch (error) {
      return causeOf(error);
    }
  }

  async #moveAside(reason: string, now: number): Promise<KeptRegistrations> {
    const cause = `${this.#file} ${reason}`;
    const keptAs = `${this.#file}.refused-${now}`;
    try {
      await rename(this.#file, keptAs);
    } catch (error) {
      return { ok: false, cause: `${cause}, and cannot be moved aside: ${causeOf(error)}` };
    }
    return { ok: true, registrations: [], refused: { cause, keptAs } };
  }
}
