/** The collections that a store holds, named as in the file of a configuration, in the order in which they are listed and applied. */
export const COLLECTIONS = [
  'organizations',
  'certificates',
  'lists',
  'providers',
  'sessions',
  'plans',
  'consumers',
  'services',
  'functions',
  'routes',
  'apis',
  'policies',
] as const;

/** What else the file of a configuration has: it is of the process, and no store holds it. */
export const FILE_PARTS = [
  '$schema',
  'listeners',
  'state',
  'store',
  'admin',
  'runtime',
  'observability',
] as const;

export type Collection = (typeof COLLECTIONS)[number];

/** What stands under a name in a collection, as it would in the file; secrets are `env:`, `file:` or plain. */
export type EntityValue = Readonly<Record<string, unknown>>;

/** Something that the store holds. */
export interface Entity {
  readonly collection: Collection;
  readonly name: string;
  readonly value: EntityValue;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly updatedAtMs: number;
  readonly updatedBy: string;
  /** The revision that wrote it last: its version. */
  readonly revision: number;
}

/** What a revision did to one entity; undefined where there was or is none. */
export interface EntityChange {
  readonly collection: Collection;
  readonly name: string;
  readonly before: EntityValue | undefined;
  readonly after: EntityValue | undefined;
}

/** One change of the whole. Revisions are numbered from 1 without gaps; revision 0 is the empty store. */
export interface Revision {
  readonly number: number;
  readonly atMs: number;
  /** Name of the account that made it. */
  readonly author: string;
  readonly message: string | undefined;
}

/** The entities of a revision. An entity that did not change between two states is the same object in both. */
export interface StoreState {
  readonly revision: number;
  readonly entities: ReadonlyMap<Collection, ReadonlyMap<string, Entity>>;
}
