import { isRecord } from '../../../lib/is-record.ts';
import { nearest } from '../../../lib/nearest.ts';
import { dottedPath } from '../../config/place.ts';
import { COLLECTIONS, type Collection, type EntityValue, FILE_PARTS } from '../../store/entity.ts';
import { writtenValue } from './entity-view.ts';
import { type ProblemView, problemView } from './outcomes.ts';

/** What somebody sent as a configuration or a part of it. */
export interface SentEntities {
  readonly collections: readonly Collection[];
  readonly entities: readonly {
    readonly collection: Collection;
    readonly name: string;
    readonly value: EntityValue;
  }[];
  /** Policies are a list, as in a file, and not a map by name. */
  readonly listsPolicies: boolean;
  readonly errors: readonly ProblemView[];
}

export function sentEntities(body: Readonly<Record<string, unknown>>): SentEntities {
  const collections: Collection[] = [];
  const entities: SentEntities['entities'][number][] = [];
  const errors: ProblemView[] = [];
  const fail = (path: readonly string[], message: string, suggestion?: string) =>
    errors.push(
      problemView(
        { path: dottedPath(path), message, ...(suggestion === undefined ? undefined : { suggestion }) },
        'configuration',
      ),
    );
  for (const [key, written] of Object.entries(body)) {
    const collection = COLLECTIONS.find((known) => known === key);
    if (collection === undefined) {
      fail([key], unstored(key), nearest(key, COLLECTIONS));
      continue;
    }
    collections.push(collection);
    const entries = collection === 'policies' && Array.isArray(written) ? namedPolicies(written) : written;
    if (!isRecord(entries)) {
      fail([key], 'expected a map of entities by name');
      continue;
    }
    for (const [name, value] of Object.entries(entries)) {
      if (isRecord(value)) entities.push({ collection, name, value: writtenValue(value) });
      else fail([key, name], 'expected a map');
    }
  }
  return { collections, entities, listsPolicies: Array.isArray(body['policies']), errors };
}

function unstored(key: string): string {
  return (FILE_PARTS as readonly string[]).includes(key)
    ? 'is of the process and stands in its file: leave it out here'
    : `is no collection; there are ${COLLECTIONS.join(', ')}`;
}

/** A list, as in a file, keeps its order by its names: the store has policies in the order of these. */
function namedPolicies(list: readonly unknown[]): Record<string, unknown> {
  const digits = String(list.length).length;
  return Object.fromEntries(
    list.map((entry, index) => {
      const policy = isRecord(entry) ? (Object.keys(entry)[0] ?? '') : '';
      const place = String(index + 1).padStart(Math.max(2, digits), '0');
      return [`p${place}-${policy.replaceAll(/[^A-Za-z0-9_-]+/g, '-')}`.slice(0, 100), entry];
    }),
  );
}

/** Whether an entry of a list got this name. */
export function isGeneratedName(name: string): boolean {
  return /^p\d{2,}-/.test(name);
}
