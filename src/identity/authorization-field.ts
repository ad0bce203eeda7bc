import type { Fields } from '../http/fields.ts';

const SPACE = 0x20;
const TAB = 0x09;

/**
 * What stands behind the scheme in Authorization (RFC 9110 section 11.4), where it is this scheme, in small letters; undefined where it is not, and
 * empty where a tab stands for the space.
 * Of several fields only the first is looked at: `fields.repeats('authorization')` tells that there are more.
 */
export function authorizationFor(fields: Fields, scheme: string): string | undefined {
  const value = fields.get('authorization');
  if (value === undefined) return undefined;
  const { length } = scheme;
  if (value.length < length || value.slice(0, length).toLowerCase() !== scheme) return undefined;
  if (value.length === length) return '';
  const next = value.charCodeAt(length);
  // Malformed, but of this scheme: others may read it so.
  if (next === TAB) return '';
  if (next !== SPACE) return undefined;
  let from = length + 1;
  while (value.charCodeAt(from) === SPACE) from++;
  return value.slice(from);
}
