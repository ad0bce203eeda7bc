import { z } from 'zod';
import { isRecord } from '../../../lib/is-record.ts';
import { sha256 } from '../../../lib/sha256.ts';
import type { ListedEntity } from '../../manager/manager.ts';
import { referencesOf } from '../../rights/references.ts';
import type { Collection } from '../../store/entity.ts';
import { API_STATES, type ApiState } from './api-status.ts';

export const pageSchema = z.strictObject({
  limit: z.int().min(1).max(1000).default(100).describe('Entries of a page'),
  cursor: z.string().min(1).max(2000).optional().describe('`next` of the page before'),
});

export const listSchema = pageSchema.extend({
  name: z.string().min(1).max(200).optional().describe('The name, or its beginning with a * behind it'),
  organization: z.string().min(1).max(100).optional().describe('Whose they are'),
  origin: z.enum(['file', 'store']).optional().describe('Where they come from'),
  q: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Text in the name, title, hosts, paths, service or function; capital and small letters are alike',
    ),
  service: z.string().min(1).max(200).optional().describe('Names this service, as its target or elsewhere'),
  enabled: z.boolean().optional().describe('Whether it is switched on'),
  status: z.enum(API_STATES).optional().describe('How far it is'),
  sort: z
    .enum(['name', '-name', 'updated', '-updated'])
    .default('name')
    .describe('By name, or by the time of the last change; - is the other way round'),
});

export type ListQuery = z.output<typeof listSchema>;

/** What a list of such entities can be filtered and sorted by. */
export function listSchemaOf(collection: Collection): z.ZodObject {
  switch (collection) {
    case 'apis':
      return listSchema;
    case 'routes':
      return listSchema.omit({ status: true });
    case 'functions':
      return listSchema.omit({ status: true, enabled: true });
    default:
      return listSchema.omit({ status: true, enabled: true, service: true });
  }
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Cursor of the next page; null on the last. */
  readonly next: string | null;
}

/** Where a page ended: what it was sorted by there, and of which list. */
interface Position {
  readonly name: string;
  readonly updatedMs: number;
}

/**
 * One page of entities. A cursor is where the page before ended, so that what comes and goes between two pages neither repeats
 * nor hides another. Undefined for a cursor that is none, or one of another list. `statusOf` is asked where the query is for one.
 */
export function entityPage(
  entities: readonly ListedEntity[],
  query: ListQuery,
  statusOf?: (entity: ListedEntity) => ApiState,
): Page<ListedEntity> | undefined {
  const list = digestOf(query);
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor, list);
  if (after === 'invalid') return undefined;
  const compare = comparison(query.sort);
  const sorted = entities
    .filter(filter(query, statusOf))
    .sort((a, b) => compare(positionOf(a), positionOf(b)));
  const from = after === undefined ? 0 : sorted.findIndex((entity) => compare(positionOf(entity), after) > 0);
  const items = from === -1 ? [] : sorted.slice(from, from + query.limit);
  const last = items.at(-1);
  const isLast = last === undefined || from + items.length >= sorted.length;
  return { items, next: isLast ? null : writeCursor(positionOf(last), list) };
}

function positionOf(entity: ListedEntity): Position {
  return { name: entity.name, updatedMs: entity.origin === 'file' ? 0 : entity.updatedAtMs };
}

/** Equal for no two entities of a list: names differ. */
function comparison(sort: ListQuery['sort']): (a: Position, b: Position) => number {
  const byName = (a: Position, b: Position) => (a.name < b.name ? -1 : Number(a.name > b.name));
  switch (sort) {
    case 'name':
      return byName;
    case '-name':
      return (a, b) => byName(b, a);
    case 'updated':
      return (a, b) => a.updatedMs - b.updatedMs || byName(a, b);
    case '-updated':
      return (a, b) => b.updatedMs - a.updatedMs || byName(a, b);
  }
}

function filter(
  { name, organization, origin, q, service, enabled, status }: ListQuery,
  statusOf: ((entity: ListedEntity) => ApiState) | undefined,
): (entity: ListedEntity) => boolean {
  const beginning = name?.endsWith('*') === true ? name.slice(0, -1) : undefined;
  const text = q?.toLowerCase();
  return (entity) =>
    (name === undefined ||
      (beginning === undefined ? entity.name === name : entity.name.startsWith(beginning))) &&
    (organization === undefined || entity.value['organization'] === organization) &&
    (origin === undefined || entity.origin === origin) &&
    (text === undefined || holdsText(entity, text)) &&
    (enabled === undefined || (entity.value['enabled'] !== false) === enabled) &&
    (service === undefined || namesService(entity, service)) &&
    (status === undefined || statusOf?.(entity) === status);
}

function namesService({ collection, value }: ListedEntity, service: string): boolean {
  return referencesOf(collection, value).some(
    (found) => found.collection === 'services' && found.name === service,
  );
}

/** In places that hold no secret: to search them would tell a secret letter by letter. */
const SEARCHED = ['title', 'service', 'function', 'hosts', 'paths'];

function holdsText({ name, value }: ListedEntity, text: string): boolean {
  if (name.toLowerCase().includes(text)) return true;
  const match = isRecord(value['match']) ? value['match'] : {};
  return SEARCHED.some((key) => {
    const found = value[key] ?? match[key];
    const texts: readonly unknown[] = Array.isArray(found) ? found : [found];
    return texts.some((entry) => typeof entry === 'string' && entry.toLowerCase().includes(text));
  });
}

function digestOf({ limit: _limit, cursor: _cursor, ...list }: ListQuery): string {
  const text = JSON.stringify(list);
  return sha256(text).slice(0, 12);
}

function writeCursor({ name, updatedMs }: Position, list: string): string {
  return Buffer.from(JSON.stringify([list, name, updatedMs])).toString('base64url');
}

function readCursor(cursor: string, list: string): Position | 'invalid' {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(read) || read.length !== 3) return 'invalid';
    const [of, name, updatedMs] = read as unknown[];
    if (of !== list || typeof name !== 'string' || typeof updatedMs !== 'number') return 'invalid';
    return { name, updatedMs };
  } catch {
    return 'invalid';
  }
}
