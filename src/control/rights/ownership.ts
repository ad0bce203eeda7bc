import { isRecord } from '../../lib/is-record.ts';
import { entriesOf, type Path, valueAt } from '../config/place.ts';
import type { Problem } from '../config/problem.ts';
import { COLLECTIONS, type Collection } from '../store/entity.ts';
import { ownerOf } from './owner.ts';
import { referencesOf } from './references.ts';

/**
 * Uses of what belongs to another organization, in a configuration as it was written. Costs nothing where it has no organizations. `apiOf` are the APIs
 * of routes that were made of one, which the API is told for.
 */
export function checkOwnership(
  written: Readonly<Record<string, unknown>>,
  apiOf: ReadonlyMap<string, string>,
): Problem[] {
  if (entriesOf(written['organizations']).length === 0) return [];
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  const owned: [Collection, string, Record<string, unknown>][] = [];
  for (const collection of COLLECTIONS) {
    if (collection === 'organizations' || collection === 'policies') continue;
    for (const [name, value] of entriesOf(written[collection])) {
      if (!isRecord(value)) continue;
      const owner = ownerOf(collection, name, value);
      if (owner === undefined) continue;
      owners.set(`${collection}/${name}`, owner);
      if (collection !== 'routes' || !apiOf.has(name)) owned.push([collection, name, value]);
    }
  }
  for (const [collection, name, value] of owned) {
    const owner = owners.get(`${collection}/${name}`);
    problems.push(...callsForOthers(value, owner, [collection, name]));
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

/** Calls of functions that say they are of another organization: the function service would believe it. */
function callsForOthers(
  { policies }: Readonly<Record<string, unknown>>,
  owner: string | undefined,
  path: Path,
): Problem[] {
  if (!Array.isArray(policies)) return [];
  return policies.flatMap((use: unknown, index): Problem[] => {
    const said = valueAt(use, ['function', 'organization']);
    if (said === undefined || said === owner) return [];
    return [
      {
        path: [...path, 'policies', index, 'function', 'organization'],
        message: `is another organization than ${owner}, to which this belongs: write ${owner}, or leave it out`,
      },
    ];
  });
}
