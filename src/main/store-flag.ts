import type { LoadOptions } from '../control/config/load.ts';
import type { StoreState } from '../control/store/entity.ts';
import type { StoreSettings } from '../control/store/schema.ts';
import type { Flag, Given } from './command-line.ts';

/** Of commands that look at a file. */
export const STORE_FLAG: Flag = {
  description:
    'With what the store holds that the file names, as a gateway would serve both; it is only read',
};

/** What a store holds, as `loadConfig` asks for it: nothing where `--store` is not given. */
export function storedFor(given: Given): LoadOptions['stored'] {
  return given.has('store') ? readStore : undefined;
}

/** Loaded when it is needed: it brings the databases. */
async function readStore(settings: StoreSettings): Promise<StoreState> {
  const module = await import('../control/store/read-store.ts');
  return module.readStore(settings);
}
