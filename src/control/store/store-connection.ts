import { existsSync } from 'node:fs';
import { messageOf } from '../../lib/message-of.ts';
import { keyFrom } from '../records/record-key.ts';
import { type StoreDatabase, StoreRefused, StoreUnavailable } from './database.ts';
import type { EntityStore } from './entity-store.ts';
import type { StoreSettings } from './schema.ts';
import { Sealer } from './sealer.ts';

export interface StoreConnectionOptions {
  readonly settings: StoreSettings;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/**
 * The way to the store. Nothing is opened before somebody asks for a store that is there, or writes to it; nor is its code loaded, where nobody says
 * that it will be needed.
 */
export class StoreConnection {
  readonly settings: StoreSettings;
  readonly #log: StoreConnectionOptions['log'];
  #opening: Promise<EntityStore> | undefined;
  #sealer: Sealer | undefined;
  #closed = false;

  constructor({ settings, log }: StoreConnectionOptions) {
    this.settings = settings;
    this.#log = log;
  }

  /** undefined where a file would have to be made. Rejects like `open`. */
  async existing(): Promise<EntityStore | undefined> {
    const { place } = this.settings;
    if (this.#opening === undefined && place.kind === 'sqlite' && !existsSync(place.file)) return undefined;
    return this.open();
  }

  /**
   * Opens the database once, makes it where it is a file that is not there, and brings its tables up to date. Rejects with StoreRefused where it is
   * not to be used, with StoreUnavailable where it cannot be reached: then the next one who asks tries anew.
   */
  open(): Promise<EntityStore> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error instanceof StoreRefused ? error : new StoreUnavailable(messageOf(error), { cause: error });
    });
    return this.#opening;
  }

  /** Loads what opening it takes, and opens nothing: loading takes longer than a change may. */
  async loadCode(): Promise<void> {
    await Promise.all([storeCode(), databaseCode[this.settings.place.kind]()]);
  }

  /** What encrypts secrets. Throws StoreRefused where the file of the key cannot be used. */
  sealer(): Sealer {
    this.#sealer ??= sealerOf(this.settings, true);
    return this.#sealer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    const store = await opening?.catch(() => undefined);
    await store?.database.close();
  }

  async #open(): Promise<EntityStore> {
    if (this.#closed) throw new Error('the gateway is stopping');
    const { place, revisions } = this.settings;
    const isNew = place.kind === 'sqlite' && !existsSync(place.file);
    const [{ EntityStore }, { migrate }] = await storeCode();
    const database = await openDatabase(place);
    try {
      const migrations = await migrate(database);
      if (migrations.length > 0) this.#log('info', `the store has new tables: ${migrations.join(', ')}`);
      if (isNew) this.#log('info', `the store is in ${place.file}`);
      return new EntityStore(database, this.sealer(), revisions);
    } catch (error) {
      await database.close();
      throw error;
    }
  }
}

/** What encrypts the secrets of a store. Throws StoreRefused where the file of the key cannot be used, or made where it `mayMake` one. */
export function sealerOf({ keys, place }: StoreSettings, mayMake: boolean): Sealer {
  if (keys.length > 0 || place.kind === 'postgres' || place.file === ':memory:') return new Sealer(keys);
  try {
    return new Sealer([keyFrom(`${place.file}.key`, mayMake).key]);
  } catch (error) {
    throw new StoreRefused(`the key of the store cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Opens either database as it is, without looking at its tables. A schema of PostgreSQL that is not there is made where it `mayMake` one. */
export async function openDatabase(place: StoreSettings['place'], mayMake = true): Promise<StoreDatabase> {
  if (place.kind === 'sqlite') return (await databaseCode.sqlite()).openSqlite(place.file);
  return (await databaseCode.postgres()).openPostgres(place, mayMake);
}

/** Of the store, whichever database it is in. */
export function storeCode() {
  return Promise.all([import('./entity-store.ts'), import('./migrate.ts')]);
}

const databaseCode = {
  sqlite: () => import('./sqlite.ts'),
  postgres: () => import('./postgres.ts'),
};
