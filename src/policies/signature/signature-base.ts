import { type InnerList, type Item, serializeInnerList, serializeItem } from 'structured-headers';
import type { Refused } from '../../identity/authenticator.ts';
import type { RequestView } from '../../policy/contract.ts';
import {
  EXCLUSIVE,
  MISSING,
  NOT_STRUCTURED,
  OF_ANSWER,
  OF_TRAILERS,
  TWICE,
  UNKNOWN_COMPONENT,
} from './refusals.ts';
import { memberOf, type StructuredType, strictlyWritten } from './structured-fields.ts';

const DEFAULT_PORT = { http: ':80', https: ':443' } as const;

/** Types of structured fields, by name in small letters. */
export type FieldTypes = ReadonlyMap<string, StructuredType>;

/**
 * What was signed (RFC 9421 section 2.5), in latin1; or why that cannot be said: a component that is not there, stands twice, or is of a kind that
 * is not known here, so that nothing can be signed that is not checked.
 */
export function signatureBase(request: RequestView, covered: InnerList, types: FieldTypes): string | Refused {
  let base = '';
  const seen = new Set<string>();
  for (const component of covered[0]) {
    const value = componentValue(request, component, types);
    if (typeof value !== 'string') return value;
    const identifier = serializeItem(component);
    if (seen.has(identifier)) return TWICE;
    seen.add(identifier);
    base += `${identifier}: ${value}\n`;
  }
  return `${base}"@signature-params": ${serializeInnerList(covered)}`;
}

function componentValue(request: RequestView, [name, parameters]: Item, types: FieldTypes): string | Refused {
  if (typeof name !== 'string' || name !== name.toLowerCase()) return UNKNOWN_COMPONENT;
  if (name === '@status' || parameters.has('req')) return OF_ANSWER;
  if (parameters.has('tr')) return OF_TRAILERS;
  if (name === '@query-param') return queryParameter(request.search, parameters);
  if (!name.startsWith('@')) return fieldComponent(request, name, parameters, types);
  if (parameters.size > 0) return UNKNOWN_COMPONENT;
  return derived(request, name) ?? UNKNOWN_COMPONENT;
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

const FIELD_PARAMETERS: ReadonlySet<string> = new Set(['sf', 'bs', 'key']);

/** RFC 9421 section 2.1 */
function fieldComponent(
  request: RequestView,
  name: string,
  parameters: Item[1],
  types: FieldTypes,
): string | Refused {
  const lines = fieldLines(request, name);
  if (lines === undefined) return MISSING;
  if (parameters.size === 0) return lines.join(', ');
  for (const parameter of parameters.keys()) if (!FIELD_PARAMETERS.has(parameter)) return UNKNOWN_COMPONENT;
  if (parameters.has('bs')) {
    if (parameters.get('bs') !== true) return UNKNOWN_COMPONENT;
    return parameters.size === 1 ? wrapped(lines) : EXCLUSIVE;
  }
  if (parameters.has('sf') && parameters.get('sf') !== true) return UNKNOWN_COMPONENT;
  const value = lines.join(', ');
  const type = types.get(name);
  // A member is written strictly whether or not `sf` says so.
  if (!parameters.has('key')) return (type && strictlyWritten(value, type)) ?? NOT_STRUCTURED;
  const key = parameters.get('key');
  if (typeof key !== 'string') return UNKNOWN_COMPONENT;
  if (type !== undefined && type !== 'dictionary') return NOT_STRUCTURED;
  return memberOf(value, key) ?? NOT_STRUCTURED;
}

/** Values of a field, line by line, without white space at their ends, as they come. */
function fieldLines({ fields, bodyLength }: RequestView, name: string): readonly string[] | undefined {
  if (fields.has(name)) return fields.getAll(name);
  // The head's own framing is not among the fields.
  return name === 'content-length' && bodyLength > 0 ? [String(bodyLength)] : undefined;
}

/** RFC 9421 section 2.1.3: each line for itself, so that none can be taken for two. */
function wrapped(lines: readonly string[]): string {
  return lines.map((line) => `:${Buffer.from(line, 'latin1').toString('base64')}:`).join(', ');
}

/** RFC 9421 section 2.2.8: the value is decoded and encoded again, so that all spellings are signed as one. */
function queryParameter(search: string, parameters: Item[1]): string | Refused {
  const name = parameters.get('name');
  if (typeof name !== 'string' || parameters.size !== 1) return UNKNOWN_COMPONENT;
  const all = new URLSearchParams(search);
  const values = [...all].filter(([key]) => encoded(key) === name);
  return values.length === 1 ? encoded((values[0] as [string, string])[1]) : MISSING;
}

/** As the URL Standard's percent-encoding of a component, with `+` for none: a space is %20. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
