import { isRecord } from '../../lib/is-record.ts';
import { valueAt } from '../config/place.ts';

/** Where the options of a policy name the fields in which it takes credentials, and which option leaves them there. */
const PLACES: ReadonlyMap<string, { readonly at: readonly string[]; readonly leaves: string }> = new Map([
  ['api-key', { at: ['header'], leaves: 'forward' }],
  ['jwt', { at: ['from', 'header'], leaves: 'keep' }],
  ['introspection', { at: ['from', 'header'], leaves: 'keep' }],
  ['forward-auth', { at: ['requestHeaders'], leaves: 'forward' }],
]);

/** Fields, in small letters, in which policies of the configuration take credentials and leave them to services. */
export function forwardedCredentialFields(config: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const part of ['policies', 'routes', 'apis']) collect(config[part], names);
  return names;
}

function collect(value: unknown, names: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, entry] of Object.entries(value)) {
    const place = PLACES.get(key);
    if (place !== undefined && isRecord(entry) && entry[place.leaves] === true)
      for (const name of [valueAt(entry, place.at)].flat())
        if (typeof name === 'string') names.add(name.toLowerCase());
    collect(entry, names);
  }
}
