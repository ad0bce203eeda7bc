import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import { entriesOf } from '../config/place.ts';
import type { Problem } from '../config/problem.ts';
import { COLLECTIONS, type Collection } from '../store/entity.ts';
import { ownerOf } from './owner.ts';
import { referencesOf } from './references.ts';

/** What a configuration as it was written says about organizations that cannot be. Costs nothing where it has none. */
export function checkOwnership(written: Readonly<Record<string, unknown>>): Problem[] {
  const organizations = new Set(entriesOf(written['organizations']).map(([name]) => name));
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  const owned: [Collection, string, Record<string, unknown>][] = [];
  for (const collection of COLLECTIONS) {
    if (collection === 'organizations' || collection === 'policies') continue;
    for (const [name, value] of entriesOf(written[collection])) {
      if (!isRecord(value)) continue;
      const owner = ownerOf(collection, name, value);
      if (owner === undefined) continue;
      if (!organizations.has(owner))
        problems.push({
          path: [collection, name, 'organization'],
          message: `there is no organization ${JSON.stringify(owner)}`,
          suggestion: nearest(owner, organizations),
        });
      owners.set(`${collection}/${name}`, owner);
      owned.push([collection, name, value]);
    }
  }
  for (const [collection, name, value] of owned) {
    const owner = owners.get(`${collection}/${name}`);
    for (const reference of referencesOf(collection, value)) {
      const other = owners.get(`${reference.collection}/${reference.name}`);
      if (other === undefined || other === owner) continue;
      problems.push({
        path: [collection, name, ...reference.path],
        message: `${reference.name} of ${reference.collection} belongs to another organization: share it by leaving out its organization, or give ${owner} one of its own`,
      });
    }
  }
  return problems;
}
