import { isRecord } from '../../lib/is-record.ts';
import type { Collection } from '../store/entity.ts';

/** A place in an entity that names another. */
export interface Reference {
  readonly collection: Collection;
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** Keys whose text, or each text of whose list, is a name; wherever they stand, so that a new policy need not be told of here. */
const BY_KEY: Readonly<Record<string, Collection>> = {
  service: 'services',
  function: 'functions',
  provider: 'providers',
  providers: 'providers',
  connect: 'providers',
  list: 'lists',
  plan: 'plans',
  certificate: 'certificates',
  certificates: 'certificates',
  session: 'sessions',
  sessions: 'sessions',
};

/** Policies that name sessions by `name`. */
const SESSION_POLICIES = ['session', 'personal-access-token'];

/**
 * The names of other entities in one. It finds too many rather than too few: another's text under such a key is one only where there is an
 * entity of that name.
 */
export function referencesOf(collection: Collection, value: unknown): Reference[] {
  const found: Reference[] = [];
  const visit = (node: unknown, path: readonly (string | number)[]): void => {
    if (Array.isArray(node)) {
      node.forEach((each: unknown, index) => visit(each, [...path, index]));
      return;
    }
    if (!isRecord(node)) return;
    for (const [key, inner] of Object.entries(node)) {
      const at = [...path, key];
      const named = collectionOf(key, collection, path.length);
      for (const [name, place] of textsOf(inner, at))
        if (named !== undefined) found.push({ collection: named, name, path: place });
      if (SESSION_POLICIES.includes(key) && isRecord(inner) && typeof inner['name'] === 'string')
        found.push({ collection: 'sessions', name: inner['name'], path: [...at, 'name'] });
      visit(inner, at);
    }
  };
  visit(value, []);
  return found;
}

/** `login` of a route names sessions, that of sessions providers. */
function collectionOf(key: string, within: Collection, depth: number): Collection | undefined {
  if (key === 'login' && depth === 0) return within === 'sessions' ? 'providers' : 'sessions';
  return Object.hasOwn(BY_KEY, key) ? BY_KEY[key] : undefined;
}

function textsOf(
  value: unknown,
  path: readonly (string | number)[],
): (readonly [text: string, path: readonly (string | number)[]])[] {
  if (typeof value === 'string') return [[value, path]];
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown, index) =>
    typeof each === 'string' ? [[each, [...path, index]] as const] : [],
  );
}
