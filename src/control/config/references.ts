import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import type { Path } from './place.ts';
import type { Problem } from './problem.ts';

/** The names that a collection of the configuration has, as far as it is one. */
export function namesOf(collection: unknown): ReadonlySet<string> {
  return new Set(isRecord(collection) ? Object.keys(collection) : []);
}

/** A name that stands for something else in the configuration has to be there. What is no text is the schema's to tell. */
export function checkReference(
  name: unknown,
  known: ReadonlySet<string>,
  what: string,
  path: Path,
  problems: Problem[],
): void {
  if (typeof name !== 'string' || known.has(name)) return;
  const suggestion = nearest(name, known);
  const list =
    suggestion === undefined && known.size > 0 && known.size <= 12
      ? `; there are: ${[...known].join(', ')}`
      : '';
  problems.push({ path, message: `there is no ${what} ${JSON.stringify(name)}${list}`, suggestion });
}
