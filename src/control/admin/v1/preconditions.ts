import type { IncomingHttpHeaders } from 'node:http';
import type { Version } from './entity-view.ts';

/** What a request demands of the version that it meets (RFC 9110, section 13). */
export type Verdict =
  | 'proceed'
  /** 412 */
  | 'failed'
  /** 304 */
  | 'notModified'
  /** 400 */
  | 'malformed';

const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/** The fields that `verdictOn` looks at, for the description of an endpoint. */
export const WRITE_FIELDS = {
  'if-match': 'ETag of the version that is to be changed, or *: with any other, 412',
  'if-none-match': '*: only where there is none yet, else 412',
};
export const READ_FIELDS = { 'if-none-match': 'ETag of what is known already: 304 where it still holds' };

/** `current` is undefined where there is no such entity. In the order of RFC 9110, section 13.2.2. */
export function verdictOn(
  method: 'GET' | 'other',
  headers: IncomingHttpHeaders,
  current: Version | undefined,
): Verdict {
  const ifMatch = tagsOf(headers['if-match']);
  const ifNoneMatch = tagsOf(headers['if-none-match']);
  if (ifMatch === 'malformed' || ifNoneMatch === 'malformed') return 'malformed';
  if (ifMatch !== undefined) {
    if (current === undefined) return 'failed';
    if (ifMatch !== '*' && !ifMatch.some((tag) => ofSameVersion(tag, current.etag))) return 'failed';
  } else if (isLater(current?.modifiedMs, headers['if-unmodified-since'])) return 'failed';
  if (ifNoneMatch !== undefined) {
    if (current === undefined) return 'proceed';
    const matches =
      ifNoneMatch === '*' ||
      ifNoneMatch.some((tag) =>
        method === 'GET' ? opaque(tag) === opaque(current.etag) : ofSameVersion(opaque(tag), current.etag),
      );
    if (!matches) return 'proceed';
    return method === 'GET' ? 'notModified' : 'failed';
  }
  const since = headers['if-modified-since'];
  if (method === 'GET' && current?.modifiedMs !== undefined && dateOf(since) !== undefined)
    return isLater(current.modifiedMs, since) ? 'proceed' : 'notModified';
  return 'proceed';
}

/** Whether a request says which version it is for: then whoever sent it hears of any other. */
export function hasPrecondition(headers: IncomingHttpHeaders): boolean {
  return ['if-match', 'if-none-match', 'if-unmodified-since'].some((name) => headers[name] !== undefined);
}

function tagsOf(field: string | undefined): '*' | 'malformed' | readonly string[] | undefined {
  if (field === undefined) return undefined;
  if (field.trim() === '*') return '*';
  // No tag of this API holds a comma, so that one within a tag only makes it unknown.
  const tags = field
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  return tags.length > 0 && tags.every((tag) => TAG.test(tag)) ? tags : 'malformed';
}

/** Strong comparison; a change of the status does not concern who changes the entity. */
function ofSameVersion(tag: string, etag: string): boolean {
  return withoutStatus(tag) === withoutStatus(etag);
}

function withoutStatus(tag: string): string {
  return tag.replace(/\.[a-z]*"$/, '"');
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** A date has whole seconds. */
function isLater(modifiedMs: number | undefined, field: string | undefined): boolean {
  const date = dateOf(field);
  return modifiedMs !== undefined && date !== undefined && Math.floor(modifiedMs / 1000) * 1000 > date;
}

/** What is no date is ignored (RFC 9110, sections 13.1.3 and 13.1.4). */
function dateOf(field: string | undefined): number | undefined {
  const date = field === undefined ? Number.NaN : Date.parse(field);
  return Number.isNaN(date) ? undefined : date;
}
