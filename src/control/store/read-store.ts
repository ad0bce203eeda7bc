import { existsSync } from 'node:fs';
import { StoreRefused } from './database.ts';
import type { StoreState } from './entity.ts';
import type { StoreSettings } from './schema.ts';
import { EMPTY_STATE } from './state.ts';
import { openDatabase, sealerOf, storeCode } from './store-connection.ts';

/**
 * What a store holds now, for who only looks: no file, key or table is made or brought up to date. Nothing where there is none yet. Rejects with
 * an Error that says why it cannot be read.
 */
export async function readStore(settings: StoreSettings): Promise<StoreState> {
  const { place, revisions } = settings;
  if (place.kind === 'sqlite' && !existsSync(place.file)) return EMPTY_STATE;
  const [{ EntityStore }, { migrationStatus }] = await storeCode();
  const database = await openDatabase(place, false);
  try {
    const migrations = await migrationStatus(database);
    const due = migrations.filter(({ appliedAtMs }) => appliedAtMs === undefined);
    if (due.length === migrations.length) return EMPTY_STATE;
    if (due.length > 0)
      throw new StoreRefused(
        'the tables of the store are older than this program: `portcullis migrate` brings them up to date',
      );
    return await new EntityStore(database, sealerOf(settings, false), revisions).read();
  } finally {
    await database.close();
  }
}
