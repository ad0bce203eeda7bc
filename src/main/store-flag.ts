import { existsSync } from 'node:fs';
import type { LoadOptions } from '../control/config/load.ts';
import type { StoreState } from '../control/store/entity.ts';
import type { StoreSettings } from '../control/store/schema.ts';
import type { Flag, Given, Io } from './command-line.ts';

/** Of commands that look at a file. */
export const STORE_FLAG: Flag = {
  description:
    'With what the store holds that the file names, as a gateway would serve both; it is only read',
};

/** Tells whoever looks at a file without `--store` that there is a store beside it, which a gateway would serve, too. */
export function tellUnread(given: Given, { enabled, place }: StoreSettings, io: Io): void {
  const isThere = enabled && (place.kind === 'postgres' || existsSync(place.file));
  if (isThere && !given.has('store')) io.err('What the store holds is left out: --store takes it in.\n');
}

/** What a store holds, as `loadConfig` asks for it: nothing where `--store` is not given. */
export function storedFor(given: Given): LoadOptions['stored'] {
  return given.has('store') ? readStore : undefined;
}

/** Loaded when it is needed: it brings the databases. */
async function readStore(settings: StoreSettings): Promise<StoreState> {
  const module = await import('../control/store/read-store.ts');
  return module.readStore(settings);
}
