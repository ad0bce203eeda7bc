import { isRecord } from '../../lib/is-record.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Collection, type EntityValue } from '../store/entity.ts';
import type { ListedEntity } from './manager.ts';

type Sources = Pick<LoadedConfig, 'written' | 'stored'>;

interface Listed {
  readonly own: unknown;
  readonly stored: ReadonlyMap<string, unknown> | undefined;
  readonly byName: ReadonlyMap<string, ListedEntity>;
}

/** Lists what a file and a store have, by collection. A list is made anew where the collection changed, else it is the one of the last time. */
export class Listing {
  readonly #lists = new Map<Collection, Listed>();

  get(config: Sources, collection: Collection, name: string): ListedEntity | undefined {
    return this.#listOf(config, collection).byName.get(name);
  }

  /** In order of names. */
  list(config: Sources, collection: Collection): readonly ListedEntity[] {
    return [...this.#listOf(config, collection).byName.values()];
  }

  #listOf({ written, stored }: Sources, collection: Collection): Listed {
    const own = written[collection];
    const entities = stored.entities.get(collection);
    const last = this.#lists.get(collection);
    if (last !== undefined && last.own === own && last.stored === entities) return last;
    const all = new Map<string, ListedEntity>();
    for (const [name, entity] of entities ?? []) {
      const before = last?.byName.get(name);
      const isSame =
        before?.origin === 'store' && before.value === entity.value && before.revision === entity.revision;
      all.set(name, isSame ? before : { ...entity, origin: 'store' });
    }
    for (const [name, value] of fileEntities(collection, own))
      all.set(name, { origin: 'file', collection, name, value });
    const byName = new Map([...all].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const listed = { own, stored: entities, byName };
    this.#lists.set(collection, listed);
    return listed;
  }
}

/** Whether the file has something of this name. */
export function isOfFile(
  { written }: Pick<Sources, 'written'>,
  collection: Collection,
  name: string,
): boolean {
  const own = written[collection];
  if (collection === 'policies') return fileEntities(collection, own).some(([other]) => other === name);
  return isRecord(own) && Object.hasOwn(own, name);
}

/** Policies of the file have no names: they are called by their places, as nothing in a store can be. */
function fileEntities(collection: Collection, own: unknown): (readonly [name: string, value: EntityValue])[] {
  const entries: [string, unknown][] =
    collection === 'policies' && Array.isArray(own)
      ? own.map((value, index) => [`file:${index}`, value])
      : Object.entries(isRecord(own) ? own : {});
  return entries.map(([name, value]) => [name, isRecord(value) ? value : {}]);
}
