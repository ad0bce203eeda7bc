import { FIELD_CONTENT } from './characters.ts';
import { type ConnectionOptions, parseConnection } from './connection-field.ts';
import { parseContentLength } from './content-length.ts';
import { FIELD, type FieldNames } from './field-names.ts';
import { type FieldSection, readFieldSection, type SectionProblem } from './field-section.ts';
import { Fields } from './fields.ts';

/** Bounds of a head, in octets and fields. */
export interface ResponseLimits {
  readonly head: number;
  readonly fields: number;
}

export const LENGTH_CHUNKED = -1;
export const LENGTH_UNTIL_CLOSE = -2;

/** Of heads that were refused before their fields were read; nothing is ever added to it. */
const NONE = new Fields();

/** The head of an upstream's answer, checked as strictly as a request's. Hop-by-hop fields are already out of `fields`. */
export class ResponseHead {
  status = 0;
  /** 10 or 11. */
  version = 11;
  fields: Fields = NONE;
  /** What Content-Length states, also where no body follows (HEAD, 304); -1 when it is not given. */
  contentLength = -1;
  chunked = false;
  keepAlive = true;
  /** Protocol of a 101, or empty. */
  upgrade = '';
  /** Octets of the head. */
  length = 0;
  /** Why it cannot be believed, for the log. */
  problem = '';

  /** Octets of the body (RFC 9112 section 6.3), or LENGTH_CHUNKED, or LENGTH_UNTIL_CLOSE. */
  bodyLength(method: string): number {
    if (method === 'HEAD' || this.status === 304 || this.status === 204 || this.status < 200) return 0;
    if (this.chunked) return LENGTH_CHUNKED;
    return this.contentLength >= 0 ? this.contentLength : LENGTH_UNTIL_CLOSE;
  }
}

const CR = 0x0d;
const SP = 0x20;

/** Reads the head at the beginning of `text` (latin1). undefined while it is incomplete; see parseRequestHead. */
export function parseResponseHead(
  text: string,
  limits: ResponseLimits,
  names: FieldNames,
): ResponseHead | undefined {
  let pos = text.indexOf('\n');
  if ((pos < 0 ? text.length : pos + 1) > limits.head)
    return wrong(new ResponseHead(), 'the head is too large');
  if (pos < 0) return undefined;
  const head = new ResponseHead();
  if (!parseStatusLine(head, text, pos - 1)) return wrong(head, 'the status line is malformed');
  pos++;

  const section = readFieldSection(text, pos, limits.head, limits.fields, names);
  if (section === undefined) return undefined;
  if (section.problem !== undefined)
    return wrong(
      head,
      SECTION_PROBLEMS[section.problem].replace(
        'a field',
        section.problemName === '' ? 'a field' : `the field ${section.problemName}`,
      ),
    );
  return readFields(head, section);
}

const SECTION_PROBLEMS: Readonly<Record<SectionProblem, string>> = {
  too_large: 'the head is too large',
  too_many: 'there are too many fields',
  line_end: 'a field line does not end in CR LF',
  white_space: 'a field line begins with white space',
  name: 'a field name is no token followed by a colon',
  value: 'a field has a control character',
  lookalike: 'a field looks like a framing field and is none',
};

function readFields(head: ResponseHead, section: FieldSection): ResponseHead {
  head.fields = section.fields;
  head.length = section.end;
  let connection: ConnectionOptions | undefined;
  let upgrade = '';
  const specials = section.specials;
  for (let i = 0; i < specials.length; i += 2) {
    const value = specials[i + 1] as string;
    switch (specials[i]) {
      case FIELD.contentLength:
        if (head.contentLength >= 0) return wrong(head, 'Content-Length is given more than once');
        head.contentLength = parseContentLength(value);
        if (head.contentLength < 0) return wrong(head, 'Content-Length is not a number of octets');
        break;
      case FIELD.transferEncoding:
        if (head.chunked || value.toLowerCase() !== 'chunked')
          return wrong(head, 'Transfer-Encoding is not the one coding chunked');
        head.chunked = true;
        break;
      case FIELD.connection:
        connection = parseConnection(value, connection);
        if (connection === undefined) return wrong(head, 'Connection is not a list of options');
        break;
      case FIELD.upgrade:
        upgrade = upgrade === '' ? value : `${upgrade}, ${value}`;
        break;
      case FIELD.host:
      case FIELD.expect:
        // Of no meaning in an answer; passed on all the same.
        head.fields.push(
          specials[i] === FIELD.host ? 'host' : 'expect',
          specials[i] === FIELD.host ? 'Host' : 'Expect',
          value,
        );
        break;
      default:
        break;
    }
  }
  if (head.chunked && head.contentLength >= 0)
    return wrong(head, 'Content-Length and Transfer-Encoding are given together');
  if (head.chunked && head.version === 10) return wrong(head, 'an HTTP/1.0 answer has Transfer-Encoding');
  // RFC 9112 section 6.1: neither 1xx nor 204 has Transfer-Encoding; section 6.3 says that no body follows.
  if (head.chunked && (head.status < 200 || head.status === 204))
    return wrong(head, 'Transfer-Encoding on an answer without a body');
  if (connection !== undefined) {
    if (connection.close) head.keepAlive = false;
    else if (connection.keepAlive) head.keepAlive = true;
    for (const name of connection.names) head.fields.delete(name);
    if (connection.upgrade) head.upgrade = upgrade;
    // RFC 9110 section 15.5.22: a 426 says what to upgrade to.
    if (connection.upgrade && head.status === 426) head.fields.push('upgrade', 'Upgrade', upgrade);
  }
  return head;
}

/** status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4); the last space may be missing with the reason. */
function parseStatusLine(head: ResponseHead, text: string, end: number): boolean {
  if (end < 12 || text.charCodeAt(end) !== CR) return false;
  if (text.startsWith('HTTP/1.1 ')) head.version = 11;
  else if (text.startsWith('HTTP/1.0 ')) head.version = 10;
  else return false;
  head.keepAlive = head.version === 11;
  const status = parseContentLength(text.slice(9, 12));
  if (status < 100 || status > 599) return false;
  if (end > 12 && text.charCodeAt(12) !== SP) return false;
  for (let i = 13; i < end; i++) if (FIELD_CONTENT[text.charCodeAt(i)] !== 1) return false;
  head.status = status;
  return true;
}

function wrong(head: ResponseHead, problem: string): ResponseHead {
  head.problem = problem;
  return head;
}
