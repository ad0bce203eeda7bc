import {
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
  serializeInnerList,
  serializeItem,
} from 'structured-headers';
import type { RequestView } from '../../policy/contract.ts';

const DEFAULT_PORT = { http: ':80', https: ':443' } as const;

/**
 * What was signed (RFC 9421 section 2.5), in latin1; undefined when a component is not there, stands twice, or is of a kind that is not known
 * here, so that nothing can be signed that is not checked.
 */
export function signatureBase(request: RequestView, covered: InnerList): string | undefined {
  let base = '';
  const seen = new Set<string>();
  for (const component of covered[0]) {
    if (typeof component[0] !== 'string') return undefined;
    const identifier = serializeItem(component);
    const value = componentValue(request, component);
    if (value === undefined || seen.has(identifier)) return undefined;
    seen.add(identifier);
    base += `${identifier}: ${value}\n`;
  }
  return `${base}"@signature-params": ${serializeInnerList(covered)}`;
}

function componentValue(request: RequestView, [name, parameters]: Item): string | undefined {
  const text = name as string;
  if (text === '@query-param') return queryParameter(request.search, parameters);
  if (text.startsWith('@')) return parameters.size === 0 ? derived(request, text) : undefined;
  if (text !== text.toLowerCase()) return undefined;
  const value = fieldValue(request, text);
  if (value === undefined || parameters.size === 0) return value;
  const key = parameters.get('key');
  return parameters.size === 1 && typeof key === 'string' ? member(value, key) : undefined;
}

/** RFC 9421 section 2.2 */
function derived(request: RequestView, name: string): string | undefined {
  switch (name) {
    case '@method':
      return request.method;
    case '@target-uri':
      return `${request.scheme}://${authorityOf(request)}${request.path}${request.search}`;
    case '@authority':
      return authorityOf(request);
    case '@scheme':
      return request.scheme;
    case '@request-target':
      return request.path + request.search;
    case '@path':
      return request.path;
    case '@query':
      return request.search === '' ? '?' : request.search;
    default:
      return undefined;
  }
}

/** RFC 9421 section 2.2.3: without the scheme's own port. */
function authorityOf({ scheme, authority }: RequestView): string {
  const port = DEFAULT_PORT[scheme];
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority;
}

/** Values of a field in one line (RFC 9421 section 2.1). They come without white space at their ends. */
function fieldValue({ fields, bodyLength }: RequestView, name: string): string | undefined {
  if (fields.has(name)) return fields.getAll(name).join(', ');
  // The head's own framing is not among the fields.
  return name === 'content-length' && bodyLength > 0 ? String(bodyLength) : undefined;
}

/** RFC 9421 section 2.1.2 */
function member(value: string, key: string): string | undefined {
  try {
    const found = parseDictionary(value).get(key);
    if (found === undefined) return undefined;
    return isInnerList(found) ? serializeInnerList(found) : serializeItem(found);
  } catch {
    return undefined;
  }
}

/** RFC 9421 section 2.2.8: the value is decoded and encoded again, so that all spellings are signed as one. */
function queryParameter(search: string, parameters: Item[1]): string | undefined {
  const name = parameters.get('name');
  if (typeof name !== 'string' || parameters.size !== 1) return undefined;
  const all = new URLSearchParams(search);
  const values = [...all].filter(([key]) => encoded(key) === name);
  return values.length === 1 ? encoded((values[0] as [string, string])[1]) : undefined;
}

/** As the URL Standard's percent-encoding of a component, with `+` for none: a space is %20. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
