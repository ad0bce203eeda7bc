import { isRecord } from '../../lib/is-record.ts';
import { entriesOf } from '../config/place.ts';
import type { OwnedPrefix } from '../rights/territory.ts';

/** What the paths of APIs without hosts begin with, of an organization as it is written; `/`: they are served as they are. */
export function pathPrefixOf(organization: string, entry: unknown): string {
  const prefix = isRecord(entry) ? entry['pathPrefix'] : undefined;
  return typeof prefix === 'string' ? prefix : `/${organization}`;
}

export function pathPrefixesOf(organizations: unknown): OwnedPrefix[] {
  return entriesOf(organizations).map(([organization, entry]) => ({
    organization,
    prefix: pathPrefixOf(organization, entry),
  }));
}
