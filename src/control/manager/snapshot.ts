import { open, rename } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../lib/message-of.ts';
import { readText } from '../../lib/read-text.ts';
import type { Collection, Entity, StoreState } from '../store/entity.ts';
import { entityFrom, entityRow } from '../store/rows.ts';
import type { Sealer } from '../store/sealer.ts';

const MAX_BYTES = 512 * 1024 ** 2;

const snapshotSchema = z.strictObject({
  version: z.literal(1),
  revision: z.int().min(0),
  entities: z.array(
    z.strictObject({
      collection: z.string(),
      name: z.string(),
      value: z.string(),
      secrets: z.string().nullable(),
      created_at_ms: z.number(),
      created_by: z.string(),
      updated_at_ms: z.number(),
      updated_by: z.string(),
      revision: z.int(),
    }),
  ),
});

/** The file with what the store held last: replaced as a whole, secrets encrypted as in the store. */
export class Snapshot {
  readonly #file: string;
  readonly #sealer: Sealer;
  #wanted: StoreState | undefined;
  #writing: Promise<void> | undefined;

  constructor(file: string, sealer: Sealer) {
    this.#file = file;
    this.#sealer = sealer;
  }

  /** undefined where there is none. Throws an Error that says why where there is one that cannot be used. */
  async read(): Promise<StoreState | undefined> {
    const read = await readText(this.#file, MAX_BYTES);
    if (!read.ok) {
      if (read.kind === 'missing') return undefined;
      throw new Error(`the snapshot ${this.#file} ${read.reason}`);
    }
    const parsed = snapshotSchema.safeParse(parse(read.text));
    if (!parsed.success) throw new Error(`the snapshot ${this.#file} is damaged`);
    const entities = new Map<Collection, Map<string, Entity>>();
    for (const row of parsed.data.entities) {
      const entity = entityFrom(row, this.#sealer);
      const own = entities.get(entity.collection) ?? new Map<string, Entity>();
      entities.set(entity.collection, own.set(entity.name, entity));
    }
    return { revision: parsed.data.revision, entities };
  }

  /** Writes a state, or a newer one that comes meanwhile. Rejects with why it cannot. */
  async write(state: StoreState): Promise<void> {
    this.#wanted = state;
    this.#writing ??= this.#writeWanted().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  async #writeWanted(): Promise<void> {
    while (this.#wanted !== undefined) {
      const state = this.#wanted;
      this.#wanted = undefined;
      await this.#replace(this.#textOf(state)).catch((error: unknown) => {
        throw new Error(`the snapshot ${this.#file} cannot be written: ${messageOf(error)}`, {
          cause: error,
        });
      });
    }
  }

  #textOf({ revision, entities }: StoreState): string {
    const rows = [...entities.values()].flatMap((own) =>
      Array.from(own.values(), (entity) => entityRow(entity, this.#sealer)),
    );
    return JSON.stringify({ version: 1, revision, entities: rows });
  }

  async #replace(text: string): Promise<void> {
    const next = `${this.#file}.new`;
    {
      await using file = await open(next, 'w', 0o600);
      await file.writeFile(text);
      // On the disk before the name leads to it: after a crash, the name may lead to an empty file otherwise.
      await file.sync();
    }
    await rename(next, this.#file);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
