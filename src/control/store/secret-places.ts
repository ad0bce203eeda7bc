import { redact } from '../admin/redact.ts';
import { type Path, valueAt } from '../config/place.ts';
import { secretPaths } from '../config/secret-paths.ts';
import { holdsReference } from '../config/secrets.ts';
import type { Collection, EntityValue } from './entity.ts';

/**
 * Where in an entity's value a secret stands: every place that has one in a configuration, and every text that no answer would show.
 * References (`env:`, `file:`) are none.
 */
export function secretPlaces(collection: Collection, name: string, value: EntityValue): readonly Path[] {
  const isPolicy = collection === 'policies';
  const found = new Map<string, Path>();
  for (const path of secretPaths({ [collection]: isPolicy ? [value] : { [name]: value } })) {
    const within = path.slice(2);
    const secret = valueAt(value, within);
    if (secret !== undefined && !holdsReference(secret)) found.set(JSON.stringify(within), within);
  }
  collectHidden(value, redact(value), [], found);
  return [...found.values()];
}

function collectHidden(value: unknown, shown: unknown, path: Path, found: Map<string, Path>): void {
  if (typeof value === 'string') {
    const key = JSON.stringify(path);
    if (value !== shown && !holdsReference(value) && !isWithin(path, found)) found.set(key, path);
  } else if (typeof value === 'object' && value !== null)
    for (const [key, entry] of Object.entries(value)) {
      const step = Array.isArray(value) ? Number(key) : key;
      collectHidden(entry, valueAt(shown, [step]), [...path, step], found);
    }
}

/** What is in something that is hidden as a whole goes with it. */
function isWithin(path: Path, found: ReadonlyMap<string, Path>): boolean {
  return path.some((_, length) => found.has(JSON.stringify(path.slice(0, length + 1))));
}
