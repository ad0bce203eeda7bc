import {
  type Dictionary,
  isInnerList,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeInnerList,
  serializeItem,
  serializeList,
} from 'structured-headers';

/** What a structured field is as a whole (RFC 9651 section 3). */
export type StructuredType = 'dictionary' | 'item' | 'list';

/** As the registry of HTTP field names has them; by name in small letters. */
const REGISTERED: Readonly<Record<StructuredType, readonly string[]>> = {
  dictionary: [
    'accept-signature',
    'cdn-cache-control',
    'content-digest',
    'no-vary-search',
    'permissions-policy',
    'priority',
    'repr-digest',
    'signature',
    'signature-input',
    'unencoded-digest',
    'use-as-dictionary',
    'want-content-digest',
    'want-repr-digest',
  ],
  item: [
    'available-dictionary',
    'capsule-protocol',
    'client-cert',
    'cross-origin-embedder-policy',
    'cross-origin-embedder-policy-report-only',
    'cross-origin-opener-policy',
    'cross-origin-opener-policy-report-only',
    'deprecation',
    'dictionary-id',
    'idempotency-key',
    'incremental',
    'origin-agent-cluster',
    'sec-ch-ua-mobile',
    'sec-ch-ua-platform',
    'sec-fetch-dest',
    'sec-fetch-mode',
    'sec-fetch-site',
    'sec-fetch-user',
    'sec-gpc',
  ],
  list: [
    'accept-ch',
    'cache-status',
    'client-cert-chain',
    'proxy-status',
    'ratelimit',
    'ratelimit-policy',
    'sec-ch-ua',
  ],
};

/** Types of fields: those that are registered, and further ones. */
export function structuredTypes(
  further: Readonly<Record<string, StructuredType>>,
): ReadonlyMap<string, StructuredType> {
  const types = new Map<string, StructuredType>();
  for (const [type, names] of Object.entries(REGISTERED))
    for (const name of names) types.set(name, type as StructuredType);
  for (const [name, type] of Object.entries(further)) types.set(name, type);
  return types;
}

/** A field in the one way in which it is written strictly (RFC 9651 section 4.1); undefined where it is not of the type. */
export function strictlyWritten(value: string, type: StructuredType): string | undefined {
  try {
    const written = rewritten(value, type);
    return hasLostDigits(value) ? undefined : written;
  } catch {
    return undefined;
  }
}

/** Throws for what is not of the type. */
function rewritten(value: string, type: StructuredType): string {
  switch (type) {
    case 'dictionary':
      return serializeDictionary(parseDictionary(value));
    case 'list':
      return serializeList(parseList(value));
    case 'item':
      return serializeItem(parseItem(value));
  }
}

/** One member of a dictionary, written strictly (RFC 9421 section 2.1.2). */
export function memberOf(value: string, key: string): string | undefined {
  const member = readDictionary(value)?.get(key);
  if (member === undefined || hasLostDigits(value)) return undefined;
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member);
}

/** Undefined for what is none, and where a key stands twice: the last one counts, which not everybody knows. */
export function readDictionary(value: string): Dictionary | undefined {
  try {
    const dictionary = parseDictionary(value);
    return dictionary.size === membersIn(value) ? dictionary : undefined;
  } catch {
    return undefined;
  }
}

/** Members of a dictionary that has been read, of which those with the same key are several. */
function membersIn(value: string): number {
  let count = value === '' ? 0 : 1;
  for (let i = 0; i < value.length; i++) {
    const character = value[i];
    if (character === '"') i = endOfString(value, i);
    else if (character === ',') count++;
  }
  return count;
}

/** RFC 9651 section 4.2.10: in a display string, `%"…"`, a backslash is itself. */
function endOfString(value: string, start: number): number {
  if (value[start - 1] === '%') {
    const end = value.indexOf('"', start + 1);
    return end < 0 ? value.length : end;
  }
  for (let i = start + 1; i < value.length; i++) {
    if (value[i] === '\\') i++;
    else if (value[i] === '"') return i;
  }
  return value.length;
}

const STRINGS = /%"[^"]*"|"(?:[^"\\]|\\.)*"/g;
const WHOLE_DECIMAL = /(?:^|[\s,=(])-?\d+\.0+(?!\d)/;

/**
 * The decimal 1.0 becomes the same number as the integer 1, which is written in another way. For values that were read: in them every
 * string has its end, which is looked for once.
 */
function hasLostDigits(value: string): boolean {
  return value.includes('.0') && WHOLE_DECIMAL.test(value.replaceAll(STRINGS, '""'));
}
