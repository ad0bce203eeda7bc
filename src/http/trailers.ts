import { FIELD_CONTENT, trimBlanks } from './characters.ts';
import { FIELD, type FieldNames } from './field-names.ts';
import { Fields } from './fields.ts';

export interface Trailers {
  readonly fields: Fields;
  /** Octets of the section, its empty last line included. */
  readonly length: number;
  readonly problem: string;
}

/**
 * Fields that mean something only before the body (RFC 9110 section 6.5.1): taken for granted late, they would change what was decided, by
 * routing, by authentication, by conditions, or about keeping an answer.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'retry-after',
  'set-cookie',
  'trailer',
  'vary',
  'www-authenticate',
  'forwarded',
  'traceparent',
  'tracestate',
  'via',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-real-ip',
  'x-request-id',
  'x-rewrite-url',
]);

/**
 * Also what only the gateway tells an upstream: some recipients merge trailers into the fields of the head, and some of these read an
 * underscore as a hyphen.
 */
function isForbidden(lower: string): boolean {
  const name = lower.includes('_') ? lower.replaceAll('_', '-') : lower;
  return FORBIDDEN.has(name) || name.startsWith('x-forwarded-');
}

const MAX_TRAILER_FIELDS = 64;
const CR = 0x0d;

/**
 * Reads a trailer section (RFC 9112 section 7.1.2) at the beginning of `text`, its last empty line included. undefined while it is
 * incomplete. Framing fields are refused; fields that a trailer may not have are left out.
 */
export function parseTrailers(text: string, maxBytes: number, names: FieldNames): Trailers | undefined {
  const fields = new Fields();
  let pos = 0;
  for (let lines = 0; ; lines++) {
    const lineEnd = text.indexOf('\n', pos);
    if ((lineEnd < 0 ? text.length : lineEnd + 1) > maxBytes || lines > MAX_TRAILER_FIELDS) {
      return { fields, length: pos, problem: 'the trailer section is too large' };
    }
    if (lineEnd < 0) return undefined;
    const end = lineEnd - 1;
    if (end < pos || text.charCodeAt(end) !== CR)
      return { fields, length: pos, problem: 'a trailer line does not end in CR LF' };
    if (end === pos) return { fields, length: lineEnd + 1, problem: '' };
    const colon = text.indexOf(':', pos);
    const name = colon < 0 || colon > end ? '' : text.slice(pos, colon);
    const known = names.find(name);
    if (known === undefined)
      return { fields, length: pos, problem: 'a trailer name is no token followed by a colon' };
    for (let i = colon + 1; i < end; i++) {
      if (FIELD_CONTENT[text.charCodeAt(i)] !== 1)
        return { fields, length: pos, problem: 'a trailer value has a control character' };
    }
    if (
      known.kind === FIELD.contentLength ||
      known.kind === FIELD.transferEncoding ||
      known.kind === FIELD.host ||
      known.kind === FIELD.lookalike
    ) {
      return { fields, length: pos, problem: 'the trailer section has a framing field' };
    }
    if (known.kind === FIELD.other && !isForbidden(known.lower))
      fields.push(known.lower, name, trimBlanks(text.slice(colon + 1, end)));
    pos = lineEnd + 1;
  }
}
