import { TARGET } from './characters.ts';
import { type ConnectionOptions, parseConnection } from './connection-field.ts';
import { parseContentLength } from './content-length.ts';
import { FIELD, type FieldKind, type FieldNames } from './field-names.ts';
import { type FieldSection, readFieldSection, type SectionProblem } from './field-section.ts';
import { Fields } from './fields.ts';
import { parseAuthority } from './host.ts';
import { normalisePath } from './path.ts';

/** Bounds of a head, in octets and fields. */
export interface HeadLimits {
  readonly requestLine: number;
  readonly head: number;
  readonly fields: number;
}

export type HeadRefusal = {
  readonly code:
    | 'bad_request'
    | 'request_timeout'
    | 'uri_too_long'
    | 'head_too_large'
    | 'version_not_supported'
    | 'method_not_allowed'
    | 'expectation_failed'
    | 'misdirected_request';
  /** What is wrong, for the client: it names the rule, never what was sent. */
  readonly detail: string;
};

export const BODY_CHUNKED = -1;

/** Of heads that were refused before their fields were read; nothing is ever added to it. */
const NONE = new Fields();

/** The head of a request, checked (RFC 9112 sections 2 to 6). Hop-by-hop fields are already out of `fields`. */
export class RequestHead {
  method = '';
  /** As sent. */
  target = '';
  /** 10 or 11. */
  version = 11;
  authority = '';
  host = '';
  /** Normalised; `*` for `OPTIONS *`. */
  path = '/';
  search = '';
  fields: Fields = NONE;
  /** Octets of the body, or BODY_CHUNKED. */
  bodyLength = 0;
  keepAlive = true;
  expectContinue = false;
  /** The protocol that the client offers to switch to, or empty. */
  upgrade = '';
  /** The client takes trailer fields (TE: trailers). */
  trailers = false;
  /** Octets of the head. */
  length = 0;
  /** Why it is refused. What was parsed up to there stands in the other properties, for the log. */
  refusal: HeadRefusal | undefined = undefined;
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const SLASH = 0x2f;
const QUESTION = 0x3f;

/**
 * Reads the head at the beginning of `text` (latin1: one character is one octet).
 *
 * Returns undefined while the head is incomplete and nothing is wrong with it yet. It keeps no state: called again with more
 * text it begins anew, so that how the octets were split cannot change what is understood. The cost of that is bounded: the
 * caller calls again only when a line was completed, and the number of lines is limited.
 */
export function parseRequestHead(
  text: string,
  scheme: 'http' | 'https',
  limits: HeadLimits,
  names: FieldNames,
): RequestHead | undefined {
  // RFC 9112 section 2.2: an empty line before the request line is ignored; one, not any number.
  const start = text.charCodeAt(0) === CR && text.charCodeAt(1) === LF ? 2 : 0;
  const lineEnd = text.indexOf('\n', start);
  if ((lineEnd < 0 ? text.length : lineEnd) - start > limits.requestLine + 1) {
    return refused(new RequestHead(), 'uri_too_long', 'The request line is too long.');
  }
  if (lineEnd < 0) return undefined;

  const head = new RequestHead();
  const targetProblem = parseRequestLine(head, text, start, lineEnd);
  if (targetProblem !== undefined) return targetProblem;
  const section = readFieldSection(text, lineEnd + 1, start + limits.head, limits.fields, names);
  if (section === undefined) return undefined;
  if (section.problem !== undefined) {
    head.refusal = SECTION_PROBLEMS[section.problem];
    return head;
  }
  return readFields(head, section, scheme, names);
}

/** Returns the refused head, or undefined when the line is good. */
function parseRequestLine(
  head: RequestHead,
  text: string,
  start: number,
  lineEnd: number,
): RequestHead | undefined {
  const end = lineEnd - 1;
  if (end < start || text.charCodeAt(end) !== CR) return bad(head, 'The request line does not end in CR LF.');
  const methodEnd = text.indexOf(' ', start);
  const method = methodEnd < 0 || methodEnd > end ? '' : text.slice(start, methodEnd);
  if (!isMethod(method)) return bad(head, 'The request line does not begin with a method and one space.');
  head.method = method;

  const targetStart = methodEnd + 1;
  let i = targetStart;
  let query = -1;
  for (; i < end; i++) {
    const code = text.charCodeAt(i);
    if (TARGET[code] !== 1) break;
    if (code === QUESTION && query < 0) query = i;
  }
  if (i === targetStart || text.charCodeAt(i) !== SP)
    return bad(head, 'The request target has a character that no target may have.');
  head.target = text.slice(targetStart, i);

  const version = parseVersion(text, i + 1, end);
  if (version < 0) return bad(head, 'The request line does not end in an HTTP version.');
  if (version === 0)
    return refused(head, 'version_not_supported', 'Only HTTP/1.0 and HTTP/1.1 are spoken here.');
  head.version = version;
  head.keepAlive = version === 11;
  return splitTarget(head, query < 0 ? -1 : query - targetStart);
}

/** 10, 11, 0 for a version that is not spoken, -1 for what is no version. A later minor version is read as 1.1 (RFC 9110 section 2.5). */
function parseVersion(text: string, from: number, end: number): number {
  if (end - from !== 8 || !text.startsWith('HTTP/', from) || text.charCodeAt(from + 6) !== 0x2e) return -1;
  const major = text.charCodeAt(from + 5) - 0x30;
  const minor = text.charCodeAt(from + 7) - 0x30;
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return -1;
  if (major !== 1) return 0;
  return minor === 0 ? 10 : 11;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const METHOD_TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

function isMethod(text: string): boolean {
  return METHODS.has(text) || METHOD_TOKEN.test(text);
}

/** RFC 9112 section 3.2: the four forms of a target. */
function splitTarget(head: RequestHead, query: number): RequestHead | undefined {
  const target = head.target;
  if (head.method === 'CONNECT') {
    return refused(head, 'method_not_allowed', 'CONNECT is not served here.');
  }
  if (target.charCodeAt(0) === SLASH) return setPath(head, target, 0, query);
  if (target === '*') {
    if (head.method !== 'OPTIONS') return bad(head, 'The target * goes with OPTIONS alone.');
    head.path = '*';
    return undefined;
  }
  return splitAbsolute(head, target, query);
}

const ABSOLUTE = /^(https?):\/\/([^/?]*)/i;

function splitAbsolute(head: RequestHead, target: string, query: number): RequestHead | undefined {
  const match = ABSOLUTE.exec(target);
  const authority = match ? parseAuthority(match[2] as string) : undefined;
  if (!match || !authority) return bad(head, 'The request target is neither a path nor an http address.');
  // RFC 9112 section 3.2.2: the target's host is used, whatever Host says.
  head.authority = authority.authority;
  head.host = authority.host;
  const pathStart = match[0].length;
  if (pathStart === target.length || target.charCodeAt(pathStart) === QUESTION) {
    head.search = target.slice(pathStart);
    // RFC 9112 section 3.2.4: OPTIONS without a path asks about the server.
    head.path = head.method === 'OPTIONS' && head.search === '' ? '*' : '/';
    return undefined;
  }
  return setPath(head, target, pathStart, query);
}

function setPath(head: RequestHead, target: string, from: number, query: number): RequestHead | undefined {
  const end = query < 0 ? target.length : query;
  const path = normalisePath(from === 0 && end === target.length ? target : target.slice(from, end));
  if (path === undefined) return bad(head, 'The path has an escape or a segment that is not allowed.');
  head.path = path;
  if (query >= 0) head.search = target.slice(query);
  return undefined;
}

const SECTION_PROBLEMS: Readonly<Record<SectionProblem, HeadRefusal>> = {
  too_large: { code: 'head_too_large', detail: 'The head of the request is too large.' },
  too_many: { code: 'head_too_large', detail: 'The request has too many fields.' },
  line_end: { code: 'bad_request', detail: 'A field line does not end in CR LF.' },
  white_space: { code: 'bad_request', detail: 'A field line begins with white space.' },
  name: { code: 'bad_request', detail: 'A field name is no token followed by a colon.' },
  value: { code: 'bad_request', detail: 'A field value has a control character.' },
  lookalike: { code: 'bad_request', detail: 'A field name looks like a framing field and is none.' },
};

/** What the fields for the engine say, before they are weighed against each other. */
interface Framing {
  hosts: number;
  contentLengths: number;
  transferEncodings: number;
  connection: ConnectionOptions | undefined;
  upgrade: string;
}

function readFields(
  head: RequestHead,
  section: FieldSection,
  scheme: 'http' | 'https',
  names: FieldNames,
): RequestHead {
  head.fields = section.fields;
  head.length = section.end;
  const framing: Framing = {
    hosts: 0,
    contentLengths: 0,
    transferEncodings: 0,
    connection: undefined,
    upgrade: '',
  };
  const specials = section.specials;
  for (let i = 0; i < specials.length; i += 2) {
    const wrong = readSpecial(head, framing, specials[i] as FieldKind, specials[i + 1] as string, names);
    if (wrong !== undefined) return wrong;
  }
  if (framing.hosts === 0 && head.version === 11) return bad(head, 'Host is missing.');
  if (framing.transferEncodings > 0) {
    // RFC 9112 section 6.1: both together, or chunked from an HTTP/1.0 client, is how requests are smuggled.
    if (framing.contentLengths > 0)
      return bad(head, 'Content-Length and Transfer-Encoding are given together.');
    if (head.version === 10) return bad(head, 'An HTTP/1.0 request has Transfer-Encoding.');
    head.bodyLength = BODY_CHUNKED;
  }
  if (framing.connection !== undefined) applyConnection(head, framing.connection, framing.upgrade);
  const target = head.target;
  if (target.charCodeAt(0) !== SLASH && target !== '*' && !target.toLowerCase().startsWith(`${scheme}:`)) {
    return refused(
      head,
      'misdirected_request',
      'The scheme of the request target is not that of the connection.',
    );
  }
  return head;
}

/** Returns the refused head, or undefined when the field is good. */
function readSpecial(
  head: RequestHead,
  framing: Framing,
  kind: FieldKind,
  value: string,
  names: FieldNames,
): RequestHead | undefined {
  switch (kind) {
    case FIELD.host: {
      if (++framing.hosts > 1) return bad(head, 'Host is given more than once.');
      const authority = names.authority(value);
      if (authority === undefined) return bad(head, 'Host is not one host with an optional port.');
      if (head.authority === '') {
        head.authority = authority.authority;
        head.host = authority.host;
      }
      return undefined;
    }
    case FIELD.contentLength:
      if (++framing.contentLengths > 1) return bad(head, 'Content-Length is given more than once.');
      head.bodyLength = parseContentLength(value);
      return head.bodyLength < 0 ? bad(head, 'Content-Length is not a number of octets.') : undefined;
    case FIELD.transferEncoding:
      // RFC 9112 section 6.1. Other codings than chunked are not decoded here, so their end could not be known.
      if (++framing.transferEncodings > 1 || value.toLowerCase() !== 'chunked') {
        return bad(head, 'Transfer-Encoding is not the one coding chunked.');
      }
      return undefined;
    case FIELD.connection:
      framing.connection = parseConnection(value, framing.connection);
      return framing.connection === undefined ? bad(head, 'Connection is not a list of options.') : undefined;
    case FIELD.upgrade:
      framing.upgrade = framing.upgrade === '' ? value : `${framing.upgrade}, ${value}`;
      return undefined;
    case FIELD.expect:
      if (value.toLowerCase() !== '100-continue') {
        return refused(head, 'expectation_failed', 'The only expectation known here is 100-continue.');
      }
      head.expectContinue = head.version === 11;
      return undefined;
    case FIELD.te:
      if (/(?:^|,)[\t ]*trailers[\t ]*(?:,|$)/i.test(value)) head.trailers = true;
      return undefined;
    default:
      return undefined;
  }
}

function applyConnection(head: RequestHead, connection: ConnectionOptions, upgrade: string): void {
  if (connection.close) head.keepAlive = false;
  else if (connection.keepAlive) head.keepAlive = true;
  for (const name of connection.names) if (!isForwarding(name)) head.fields.delete(name);
  // A body before the switch would have to be kept apart from the tunnel; h2c would carry requests past the routes.
  if (
    connection.upgrade &&
    upgrade !== '' &&
    head.version === 11 &&
    head.bodyLength === 0 &&
    !/(?:^|[\s,])h2c?(?:$|[\s,/])/i.test(upgrade)
  ) {
    head.upgrade = upgrade;
  }
}

/** What proxies in front say of the client is not the client's to remove (CVE-2022-31813, CVE-2024-45410). */
function isForwarding(name: string): boolean {
  return name === 'forwarded' || name.startsWith('x-forwarded-');
}

function bad(head: RequestHead, detail: string): RequestHead {
  return refused(head, 'bad_request', detail);
}

function refused(head: RequestHead, code: HeadRefusal['code'], detail: string): RequestHead {
  head.refusal = { code, detail };
  return head;
}
