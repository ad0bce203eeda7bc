import { decodePercent } from './percent.ts';

/**
 * The parameters of a query are read in place, without an object. A name in the configuration is plain text; a client may have
 * encoded it (`%74oken` is `token`), so a name with an escape or a `+` is decoded before it is compared.
 */

/** The first value of a parameter as it was sent, percent-encoded, or undefined. `search` begins with `?` or is empty. */
export function queryValue(search: string, name: string): string | undefined {
  for (let start = 1; start < search.length; ) {
    const end = endOfParameter(search, start);
    const nameEnd = endOfName(search, start, end);
    if (isNamed(search, start, nameEnd, name)) return nameEnd < end ? search.slice(nameEnd + 1, end) : '';
    start = end + 1;
  }
  return undefined;
}

/** Whether a parameter stands there more than once. */
export function repeatsParameter(search: string, name: string): boolean {
  let count = 0;
  for (let start = 1; start < search.length; ) {
    const end = endOfParameter(search, start);
    if (isNamed(search, start, endOfName(search, start, end), name)) count++;
    start = end + 1;
  }
  return count > 1;
}

/** The query without any parameter of that name: the same text when there was none, empty when nothing is left. */
export function withoutParameter(search: string, name: string): string {
  let out = '';
  let copied = 1;
  let removed = false;
  for (let start = 1; start < search.length; ) {
    const end = endOfParameter(search, start);
    if (isNamed(search, start, endOfName(search, start, end), name)) {
      out += search.slice(copied, start);
      copied = end + 1;
      removed = true;
    }
    start = end + 1;
  }
  if (!removed) return search;
  out += search.slice(copied);
  if (out.endsWith('&')) out = out.slice(0, -1);
  return out === '' ? '' : `?${out}`;
}

/** The query with one more parameter at its end; both are percent-encoded already. */
export function withParameter(search: string, encodedName: string, encodedValue: string): string {
  const separator = search.length > 1 ? '&' : search === '' ? '?' : '';
  return `${search}${separator}${encodedName}=${encodedValue}`;
}

function endOfParameter(search: string, start: number): number {
  const end = search.indexOf('&', start);
  return end < 0 ? search.length : end;
}

function endOfName(search: string, start: number, end: number): number {
  const equals = search.indexOf('=', start);
  return equals < 0 || equals > end ? end : equals;
}

function isNamed(search: string, start: number, end: number, name: string): boolean {
  // Encoded, a name is never shorter than decoded.
  if (end - start < name.length) return false;
  for (let i = start; i < end; i++) {
    const code = search.charCodeAt(i);
    if (code === 0x25 || code === 0x2b || code > 0x7f)
      return decodePercent(search.slice(start, end), true) === name;
  }
  return end - start === name.length && search.startsWith(name, start);
}
