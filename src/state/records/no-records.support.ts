import { RecordStores } from './record-stores.ts';

/** For what keeps nothing. */
export const NO_RECORDS = new RecordStores(
  () => {
    throw new Error('nothing is kept here');
  },
  () => {},
);
