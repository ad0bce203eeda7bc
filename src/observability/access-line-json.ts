import type { Fields } from '../http/fields.ts';
import { keptText } from '../lib/kept-text.ts';
import { bounded, isShortAndPlain, jsonText, jsonWireText } from './log-text.ts';
import { millisText, TimeText } from './log-time.ts';
import type { ExchangeRecord } from './record.ts';
import type { AccessLogField } from './schema.ts';
import { redactQuery, redactUrl } from './secrets.ts';

/** Fields whose value is a URL, which may carry secrets in its query. */
const URL_FIELDS = new Set([
  'referer',
  'location',
  'x-original-url',
  'x-original-uri',
  'x-forwarded-uri',
  'x-rewrite-url',
]);

/** Values from the wire that hardly ever repeat are not worth remembering, ... */
const WIRE_ENTRIES = 256;
/** ... names of the configuration are, as many as there are in a large one; ... */
const NAME_ENTRIES = 100_000;
/** ... long values never. */
const MEMO_CHARS = 256;

/** Members that every line has; a line that begins with one needs no look at what its first comma is. */
const CERTAIN: ReadonlySet<AccessLogField> = new Set([
  'time',
  'scheme',
  'status',
  'durationMs',
  'requestBytes',
  'responseBytes',
  'attempts',
  'worker',
]);

/** A member of the line's object with its leading comma; empty when there is nothing to say. */
type MemberWriter = (record: ExchangeRecord) => string;

/**
 * Compiles the configured fields into the writer of one JSON line. Members stand in the configured order; those without a value
 * (no upstream, no error, no such header) are left out.
 *
 * A line costs as many string additions as it has pieces, some 20 ns each, and more for each look for characters to escape.
 * Both are why a member whose values repeat is remembered whole, name and all.
 */
export function jsonLineWriter(
  fields: readonly AccessLogField[],
  headers: readonly string[],
  workerId: string,
): (record: ExchangeRecord) => string {
  const open = CERTAIN.has(fields[0] as AccessLogField);
  const writers = fields.map((field, i) =>
    memberWriter(field, `${open && i === 0 ? '{' : ','}"${field}":`, workerId),
  );
  if (headers.length > 0) writers.push(headersWriter(headers));
  const count = writers.length;
  return (record) => {
    let line = '';
    for (let i = 0; i < count; i++) line += (writers[i] as MemberWriter)(record);
    if (open) return `${line}}\n`;
    return line === '' ? '{}\n' : `{${line.slice(1)}}\n`;
  };
}

function memberWriter(field: AccessLogField, name: string, workerId: string): MemberWriter {
  switch (field) {
    case 'time': {
      const time = new TimeText(`${name}"`, 'Z"');
      return (r) => time.iso(r.startedAt);
    }
    case 'id': {
      const open = `${name}"`;
      return (r) =>
        r.id === '' ? '' : isShortAndPlain(r.id) ? `${open + r.id}"` : name + jsonText(bounded(r.id));
    }
    case 'traceId': {
      const open = `${name}"`;
      // Hexadecimal digits by contract: nothing to look for.
      return (r) => (r.traceId === '' ? '' : `${open + r.traceId}"`);
    }
    case 'client': {
      const memo = new Memo(name, jsonText, WIRE_ENTRIES);
      return (r) => memo.get(r.client.address);
    }
    case 'consumer': {
      const memo = new Memo(name, jsonText, NAME_ENTRIES);
      return ({ principal }) => (principal === undefined ? '' : memo.get(principal.consumer));
    }
    case 'protocol': {
      const memo = new Memo(name, jsonText, WIRE_ENTRIES);
      return (r) => memo.get(protocolName(r.request.version));
    }
    case 'scheme': {
      const memo = new Memo(name, jsonText, WIRE_ENTRIES);
      return (r) => memo.get(r.request.scheme);
    }
    case 'method': {
      const memo = new Memo(name, jsonWireText, WIRE_ENTRIES);
      return (r) => memo.get(r.request.method);
    }
    case 'host': {
      const memo = new Memo(name, jsonWireText, WIRE_ENTRIES);
      return (r) => memo.get(r.request.host);
    }
    case 'path': {
      const open = `${name}"`;
      return (r) => {
        const { path } = r.request;
        if (path === '') return '';
        return isShortAndPlain(path) ? `${open + path}"` : name + jsonWireText(bounded(path));
      };
    }
    case 'query':
      return (r) =>
        r.request.search === ''
          ? ''
          : name + jsonWireText(redactQuery(bounded(r.request.search), r.secretParameters));
    case 'status': {
      const known = Array.from({ length: 1000 }, (_, status) => name + status);
      return (r) => known[r.response.status] ?? name + integer(r.response.status);
    }
    case 'code': {
      const memo = new Memo(name, jsonText, WIRE_ENTRIES);
      return (r) => (r.code === '' ? '' : memo.get(r.code));
    }
    case 'route': {
      const open = `${name}"`;
      // There may be thousands of them: then what is remembered is further away than what is made.
      return (r) => {
        const { routeName } = r;
        if (routeName === '') return '';
        return isShortAndPlain(routeName) ? `${open + routeName}"` : name + jsonText(bounded(routeName));
      };
    }
    case 'service': {
      const memo = new Memo(name, jsonText, NAME_ENTRIES);
      return (r) => (r.serviceName === undefined ? '' : memo.get(r.serviceName));
    }
    case 'target': {
      const memo = new Memo(name, jsonText, NAME_ENTRIES);
      return (r) => memo.get(r.targetName);
    }
    case 'durationMs':
      return (r) => name + millisText(r.durationMs);
    case 'upstreamMs':
      return (r) => (r.upstreamMs < 0 ? '' : name + millisText(r.upstreamMs));
    case 'requestBytes': {
      const none = `${name}0`;
      return (r) => (r.requestBytes === 0 ? none : name + integer(r.requestBytes));
    }
    case 'responseBytes':
      return (r) => name + integer(r.responseBytes);
    case 'attempts':
      return (r) => name + integer(r.attempts);
    case 'userAgent': {
      const memo = new Memo(name, jsonWireText, WIRE_ENTRIES);
      return (r) => memo.get(r.request.fields.get('user-agent') ?? '');
    }
    case 'referer':
      return (r) => {
        const value = r.request.fields.get('referer');
        return value === undefined || value === '' ? '' : name + jsonWireText(redactUrl(bounded(value)));
      };
    case 'error':
      return (r) => (r.error === '' ? '' : name + jsonText(bounded(r.error)));
    case 'listener': {
      const memo = new Memo(name, jsonText, NAME_ENTRIES);
      return (r) => memo.get(r.listenerName);
    }
    case 'worker': {
      const member = name + jsonText(workerId);
      return () => member;
    }
  }
}

/** Remembers the members of values that repeat. The empty value has the empty member. */
class Memo {
  readonly #name: string;
  readonly #encode: (text: string) => string;
  readonly #entries: number;
  readonly #known = new Map<string, string>([['', '']]);
  /** Values that found no room: when they are many, others repeat than those that are known. */
  #strangers = 0;

  constructor(name: string, encode: (text: string) => string, entries: number) {
    this.#name = name;
    this.#encode = encode;
    this.#entries = entries;
  }

  get(text: string): string {
    return this.#known.get(text) ?? this.#make(text);
  }

  #make(text: string): string {
    const member = this.#name + this.#encode(bounded(text));
    if (text.length > MEMO_CHARS) return member;
    if (this.#known.size > this.#entries) {
      // To remember costs more than to make: a stream of values that never repeat must not pay for it each time.
      if (++this.#strangers <= this.#entries * 8) return member;
      this.#strangers = 0;
      this.#known.clear();
      this.#known.set('', '');
    }
    this.#known.set(keptText(text), keptText(member));
    return member;
  }
}

function integer(value: number): string {
  return Number.isFinite(value) ? String(value) : '0';
}

function protocolName(version: number): string {
  if (version === 11) return 'HTTP/1.1';
  if (version === 20) return 'HTTP/2';
  return version === 10 ? 'HTTP/1.0' : '';
}

function headersWriter(names: readonly string[]): MemberWriter {
  const fields = names.map((name) => ({
    lower: name.toLowerCase(),
    key: `${jsonText(name.toLowerCase())}:`,
  }));
  return (record) => {
    let object = '';
    for (const { lower, key } of fields) {
      const value = combined(record.request.fields, lower);
      if (value === undefined) continue;
      object +=
        (object === '' ? ',"headers":{' : ',') +
        key +
        jsonWireText(bounded(URL_FIELDS.has(lower) ? redactUrl(value) : value));
    }
    return object === '' ? '' : `${object}}`;
  };
}

/** Every value of a field as one list (RFC 9110 section 5.3), or undefined. */
function combined(fields: Fields, lower: string): string | undefined {
  const list = fields.list;
  let value: string | undefined;
  for (let i = 0; i < list.length; i += 3) {
    if (list[i] === lower) value = value === undefined ? list[i + 2] : `${value}, ${list[i + 2]}`;
  }
  return value;
}
