import { latin1 } from '../lib/octets.ts';
import { FIELD_CONTENT } from './characters.ts';
import { type ConnectionOptions, parseConnection, removeNamed } from './connection-field.ts';
import { parseContentLength } from './content-length.ts';
import { FIELD } from './field-kind.ts';
import type { FieldNames } from './field-names.ts';
import type { FieldSection, SectionProblem } from './field-section.ts';
import { Fields } from './fields.ts';
import { httpVersion } from './http-version.ts';
import { isLineEnd, lineProblem } from './line-end.ts';

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

const SP = 0x20;
const ZERO = 0x30;
/** `HTTP/1.1 200` */
const STATUS_END = 12;

/** Reads the head at the beginning of `data[from, to)`, which lasts for the call only. undefined while it is incomplete; see parseRequestHead. */
export function parseResponseHead(
  data: Buffer,
  from: number,
  to: number,
  limits: ResponseLimits,
  names: FieldNames,
): ResponseHead | undefined {
  const limit = from + limits.head;
  const head = new ResponseHead();
  const lineEnd = readStatusLine(head, data, from, Math.min(to, limit));
  if (lineEnd < 0) {
    const problem = lineProblem('line_end', data, from, to, limit);
    if (problem === 'incomplete') return undefined;
    return wrong(head, problem === 'too_long' ? SECTION_PROBLEMS.too_long : 'the status line is malformed');
  }

  const section = names.section;
  const state = section.read(data, lineEnd, to, limit, limits.fields, true);
  if (state === 'incomplete') return undefined;
  if (state !== 'complete') return wrong(head, sectionProblem(state, section.problemName));
  const text = latin1(data, lineEnd, section.end);
  head.fields = section.fields(text, lineEnd);
  head.length = section.end - from;
  return readFields(head, section, text, lineEnd);
}

function sectionProblem(problem: SectionProblem, name: string): string {
  const text = SECTION_PROBLEMS[problem];
  return name === '' ? text : text.replace('a field', `the field ${name}`);
}

const SECTION_PROBLEMS: Readonly<Record<SectionProblem, string>> = {
  too_long: 'the head is too large',
  too_many: 'there are too many fields',
  line_end: 'a field line does not end in CR LF',
  white_space: 'a field line begins with white space',
  name: 'a field name is no token followed by a colon',
  value: 'a field has a control character',
  lookalike: 'a field looks like a framing field and is none',
};

/** `text` is the section from `base` on. */
function readFields(head: ResponseHead, section: FieldSection, text: string, base: number): ResponseHead {
  let connection: ConnectionOptions | undefined;
  let upgrade = '';
  for (let i = 0; i < section.noted; i++) {
    const kind = section.kind(i);
    const value = section.value(i, text, base);
    switch (kind) {
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
        if (connection === undefined) return wrong(head, 'Connection is not a list of up to 64 options');
        break;
      case FIELD.upgrade:
        upgrade = upgrade === '' ? value : `${upgrade}, ${value}`;
        break;
      case FIELD.host:
      case FIELD.expect:
        // Of no meaning in an answer; passed on all the same.
        head.fields.push(
          kind === FIELD.host ? 'host' : 'expect',
          kind === FIELD.host ? 'Host' : 'Expect',
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
    removeNamed(head.fields, connection);
    if (connection.upgrade) head.upgrade = upgrade;
    // RFC 9110 section 15.5.22: a 426 says what to upgrade to.
    if (connection.upgrade && head.status === 426) head.fields.push('upgrade', 'Upgrade', upgrade);
  }
  return head;
}

/**
 * status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4); the last space may be missing with the reason.
 * Returns the position after the line, or -1 when `data[from, to)` does not begin with one.
 */
function readStatusLine(head: ResponseHead, data: Buffer, from: number, to: number): number {
  let pos = from + STATUS_END;
  if (pos >= to || data[from + 8] !== SP) return -1;
  const version = httpVersion(data, from);
  if (version !== 10 && version !== 11) return -1;
  const hundreds = (data[from + 9] as number) - ZERO;
  const tens = (data[from + 10] as number) - ZERO;
  const ones = (data[from + 11] as number) - ZERO;
  if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1;
  if (data[pos] === SP) while (pos < to && FIELD_CONTENT[data[pos] as number] === 1) pos++;
  if (!isLineEnd(data, pos, to)) return -1;
  head.status = hundreds * 100 + tens * 10 + ones;
  head.version = version;
  head.keepAlive = version === 11;
  return pos + 2;
}

function wrong(head: ResponseHead, problem: string): ResponseHead {
  head.problem = problem;
  return head;
}
