import { decodePercentStrictly } from '../../policy/percent.ts';

/** As many as JSON bodies may have keys. */
const MAX_PAIRS = 10_000;

export type ReadPairs =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly reason: string };

/**
 * The pairs of a query or of a form (application/x-www-form-urlencoded) as a JSON object: names to texts, and to lists of texts where a name
 * stands several times. Pairs whose name is among the `secret` ones, in small letters, are left out.
 */
export function readPairs(text: string, secret: ReadonlySet<string> | undefined): ReadPairs {
  const values = new Map<string, string | string[]>();
  let count = 0;
  for (let start = text.startsWith('?') ? 1 : 0; start < text.length; ) {
    const found = text.indexOf('&', start);
    const end = found < 0 ? text.length : found;
    if (end > start) {
      if (++count > MAX_PAIRS) return { ok: false, reason: `has more than ${MAX_PAIRS} parameters` };
      // Within the pair alone: there may be thousands, and no equals sign in all that follows.
      const pair = text.slice(start, end);
      const equals = pair.indexOf('=');
      const name = decodePercentStrictly(equals < 0 ? pair : pair.slice(0, equals), true);
      const value = equals < 0 ? '' : decodePercentStrictly(pair.slice(equals + 1), true);
      if (name === undefined || value === undefined) return { ok: false, reason: 'is not UTF-8' };
      if (name === '__proto__') return { ok: false, reason: 'has a parameter of a name that is not allowed' };
      if (secret?.has(name.trim().toLowerCase()) !== true) add(values, name, value);
    }
    start = end + 1;
  }
  return { ok: true, json: objectText(values) };
}

function add(values: Map<string, string | string[]>, name: string, value: string): void {
  const before = values.get(name);
  if (before === undefined) values.set(name, value);
  else if (typeof before === 'string') values.set(name, [before, value]);
  else before.push(value);
}

/** A JSON object: written out, since names of a client's choice make no object here. */
export function objectText(values: Iterable<readonly [name: string, value: unknown]>): string {
  let text = '';
  for (const [name, value] of values)
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `{${text}}`;
}
