import { z } from 'zod';
import { messageOf } from '../../lib/message-of.ts';
import { readText } from '../../lib/read-text.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import { StoreRefused } from '../store/database.ts';
import type { Collection, Entity, StoreState } from '../store/entity.ts';
import { entityFrom, entityRow } from '../store/rows.ts';
import type { Sealer } from '../store/sealer.ts';
import type { EntityRow } from '../store/tables.ts';

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
  #written: Promise<void> = Promise.resolve();

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
      const entity = this.#entityFrom(row);
      const own = entities.get(entity.collection) ?? new Map<string, Entity>();
      entities.set(entity.collection, own.set(entity.name, entity));
    }
    return { revision: parsed.data.revision, entities };
  }

  #entityFrom(row: EntityRow): Entity {
    try {
      return entityFrom(row, this.#sealer);
    } catch (error) {
      if (error instanceof StoreRefused) throw error;
      throw new Error(`the snapshot ${this.#file} is damaged`, { cause: error });
    }
  }

  /** Writes a state, or a newer one that came meanwhile. Rejects with why it cannot. */
  write(state: StoreState): Promise<void> {
    this.#wanted = state;
    this.#written = this.#written.catch(() => {}).then(() => this.#writeWanted());
    return this.#written;
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#written.catch(() => {});
  }

  async #writeWanted(): Promise<void> {
    const state = this.#wanted;
    // The one who wrote before took it along.
    if (state === undefined) return;
    this.#wanted = undefined;
    try {
      await replaceFile(this.#file, this.#textOf(state));
    } catch (error) {
      this.#wanted ??= state;
      throw new Error(`the snapshot ${this.#file} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  #textOf({ revision, entities }: StoreState): string {
    const rows = [...entities.values()].flatMap((own) =>
      Array.from(own.values(), (entity) => entityRow(entity, this.#sealer)),
    );
    return JSON.stringify({ version: 1, revision, entities: rows });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
