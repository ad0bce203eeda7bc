import type { Collection, EntityValue } from '../store/entity.ts';
import type { ProtectedObject } from './decide.ts';

/** The organization that something stored says it belongs to. An organization belongs to itself, and a policy of every route to none. */
export function ownerOf(collection: Collection, name: string, value: EntityValue): string | undefined {
  if (collection === 'organizations') return name;
  if (collection === 'policies') return undefined;
  const { organization } = value;
  return typeof organization === 'string' ? organization : undefined;
}

export function protectedEntity(collection: Collection, name: string, value: EntityValue): ProtectedObject {
  return { kind: collection, organization: ownerOf(collection, name, value) };
}
