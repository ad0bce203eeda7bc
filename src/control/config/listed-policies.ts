import { isRecord } from '../../lib/is-record.ts';
import type { ConfigSource } from './source.ts';

/**
 * A configuration whose policies of every route are a list. Written with names, as a store has them and an export says them, they are one in the
 * order of the names.
 */
export function withListedPolicies(source: ConfigSource): ConfigSource {
  const { value } = source;
  const named = isRecord(value) ? value['policies'] : undefined;
  if (!isRecord(value) || !isRecord(named)) return source;
  const names = Object.keys(named).sort();
  return {
    ...source,
    value: { ...value, policies: names.map((name) => named[name]) },
    locate: (path) => {
      const [first, place, ...within] = path;
      const name = first === 'policies' && typeof place === 'number' ? names[place] : undefined;
      return source.locate(name === undefined ? path : ['policies', name, ...within]);
    },
  };
}
