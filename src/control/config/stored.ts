import { isRecord } from '../../lib/is-record.ts';
import { COLLECTIONS, type Collection, type Entity, type StoreState } from '../store/entity.ts';
import { scanJson } from './json.ts';
import { locateInTree, type Path } from './place.ts';
import type { Problem } from './problem.ts';
import { type ConfigSource, type FilePlace } from './source.ts';
import { SourceText } from './source-text.ts';

/**
 * The configuration of a file and of a store as one. What the file has wins: an entity of the store by the same name is left out, with a warning.
 * Policies of the store come after those of the file, in the order of their names. Values are the store's own objects.
 */
export function withStored(source: ConfigSource, stored: StoreState, problems: Problem[]): ConfigSource {
  const written = source.value;
  if (!isRecord(written) || isEmpty(stored)) return source;
  const composed: Record<string, unknown> = { ...written };
  for (const collection of COLLECTIONS) {
    const entities = stored.entities.get(collection);
    if (entities === undefined || entities.size === 0) continue;
    if (collection === 'policies') composed[collection] = withPolicies(written[collection], entities);
    else composed[collection] = withEntities(collection, written[collection], entities, problems);
  }
  return { ...source, value: composed, locate: (path) => locate(path, source, stored) };
}

/** The entity of the store that a place of a composed configuration belongs to, and the way within its value. */
export function storedAt(
  path: Path,
  written: unknown,
  stored: StoreState,
): { readonly entity: Entity; readonly within: Path } | undefined {
  const [first, name, ...within] = path;
  const entities = stored.entities.get(first as Collection);
  if (entities === undefined || name === undefined || !isRecord(written)) return undefined;
  const own = written[first as string];
  if (first === 'policies') {
    const entity = policiesOf(entities)[Number(name) - (Array.isArray(own) ? own.length : 0)];
    return entity && { entity, within };
  }
  if (isRecord(own) && Object.hasOwn(own, name)) return undefined;
  const entity = entities.get(String(name));
  return entity && { entity, within };
}

/** As problems name it: `store:apis/hello`. */
export function placeOfEntity({ collection, name }: Pick<Entity, 'collection' | 'name'>): string {
  return `store:${collection}/${name}`;
}

function isEmpty(stored: StoreState): boolean {
  for (const entities of stored.entities.values()) if (entities.size > 0) return false;
  return true;
}

/** What is no list is the schema's to tell. */
function withPolicies(own: unknown, entities: ReadonlyMap<string, Entity>): unknown {
  if (own !== undefined && !Array.isArray(own)) return own;
  return [...(own ?? []), ...policiesOf(entities).map(({ value }) => value)];
}

function policiesOf(entities: ReadonlyMap<string, Entity>): readonly Entity[] {
  return [...entities.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function withEntities(
  collection: Collection,
  own: unknown,
  entities: ReadonlyMap<string, Entity>,
  problems: Problem[],
): unknown {
  if (own !== undefined && !isRecord(own)) return own;
  const composed: [string, unknown][] = own === undefined ? [] : Object.entries(own);
  for (const [name, entity] of entities) {
    if (own !== undefined && Object.hasOwn(own, name)) problems.push(hidden(collection, entity));
    else composed.push([name, entity.value]);
  }
  return Object.fromEntries(composed);
}

function hidden(collection: Collection, entity: Entity): Problem {
  const source = new SourceText(placeOfEntity(entity), textOf(entity));
  return {
    severity: 'warning',
    path: [collection, entity.name],
    within: { source, start: 0, end: 1 },
    message: 'the file has one of this name: that of the store is left out',
  };
}

function locate(path: Path, source: ConfigSource, stored: StoreState): FilePlace {
  const found = storedAt(path, source.value, stored);
  if (found === undefined) return source.locate(path);
  const text = textOf(found.entity);
  const place = locateInTree(scanJson(text, true).root, found.within);
  return { ...place, source: new SourceText(placeOfEntity(found.entity), text) };
}

/** What lines and columns count in. */
function textOf({ value }: Entity): string {
  return JSON.stringify(value, null, 2);
}
