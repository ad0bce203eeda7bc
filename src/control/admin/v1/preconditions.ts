import type { IncomingHttpHeaders } from 'node:http';
import { parseHttpDate } from '../../../http/date.ts';
import type { Version } from './entity-view.ts';

/** What a request demands of the version that it meets (RFC 9110, section 13). */
export type Verdict =
  | 'proceed'
  | Failure
  /** 304 */
  | 'notModified'
  /** 400 */
  | 'malformed';

/** Why a precondition does not hold: 412. */
export type Failure =
  /** It is another version. */
  | 'changed'
  /** There is none, so that no version is the one. */
  | 'absent'
  /** There is one already. */
  | 'present'
  /** It is the version that is ruled out. */
  | 'ruledOut'
  /** A weak tag never says which version is meant (RFC 9110, section 13.1.1). */
  | 'weakTag';

const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/** The fields that `verdictOn` looks at, for the description of an endpoint. */
export const WRITE_FIELDS = {
  'if-match': 'ETag of the version that is to be changed, or *: with any other, 412',
  'if-none-match': '*: only where there is none yet, else 412',
  'if-unmodified-since': 'Only where it has not changed since then, else 412; If-Match goes before it',
};
/** Of an entity that cannot be there yet. */
export const CREATE_FIELDS = {
  'if-match': 'What is created has no version yet: with any, 412',
};
export const READ_FIELDS = {
  'if-none-match': 'ETag of what is known already: 304 where it still holds',
  'if-modified-since': 'Of what is known already: 304 where it has not changed; If-None-Match goes before it',
  'if-match': 'ETag of the version that is wanted, or *: with any other, 412',
  'if-unmodified-since': 'Only as it was then, else 412; If-Match goes before it',
};

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
    if (current === undefined) return 'absent';
    if (ifMatch !== '*' && !ifMatch.some((tag) => ofSameVersion(tag, current.etag)))
      return ifMatch.some((tag) => ofSameVersion(opaque(tag), current.etag)) ? 'weakTag' : 'changed';
  } else if (isLater(current?.modifiedMs, headers['if-unmodified-since'])) return 'changed';
  if (ifNoneMatch !== undefined) {
    if (current === undefined) return 'proceed';
    const matches =
      ifNoneMatch === '*' ||
      ifNoneMatch.some((tag) =>
        method === 'GET' ? opaque(tag) === opaque(current.etag) : ofSameVersion(opaque(tag), current.etag),
      );
    if (!matches) return 'proceed';
    if (method === 'GET') return 'notModified';
    return ifNoneMatch === '*' ? 'present' : 'ruledOut';
  }
  const since = headers['if-modified-since'];
  if (method === 'GET' && current?.modifiedMs !== undefined && dateOf(since) !== undefined)
    return isLater(current.modifiedMs, since) ? 'proceed' : 'notModified';
  return 'proceed';
}

/** Of changes of the whole. */
export const REVISION_FIELDS = {
  'if-match': 'The revision that it was planned for, as the ETag of an export: with another in force, 412',
};

/**
 * The revision that a change of the whole is for, by If-Match: undefined where it is for any. Other preconditions are about what has a
 * version of its own. Of several tags the one that is in force counts: the others cannot be.
 */
export function revisionOf(
  headers: IncomingHttpHeaders,
  inForce: number,
):
  | { readonly ok: true; readonly follows: number | undefined }
  | { readonly ok: false; readonly why: RevisionFault } {
  if (headers['if-none-match'] !== undefined || headers['if-unmodified-since'] !== undefined)
    return { ok: false, why: 'unsupported' };
  const tags = tagsOf(headers['if-match']);
  if (tags === 'malformed') return { ok: false, why: 'malformed' };
  if (tags === undefined || tags === '*') return { ok: true, follows: undefined };
  const numbers = tags.flatMap((tag) => {
    const digits = /^"(\d{1,15})(?:\.[a-z]*)?"$/.exec(tag)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
  const follows = numbers.includes(inForce) ? inForce : numbers[0];
  if (follows !== undefined) return { ok: true, follows };
  return { ok: false, why: tags.some((tag) => tag !== opaque(tag)) ? 'weakTag' : 'changed' };
}

type RevisionFault = 'unsupported' | 'malformed' | Failure;

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

/** Strong comparison; what is shown beside the entity does not concern who changes it. */
function ofSameVersion(tag: string, etag: string): boolean {
  return ofEntity(tag) === ofEntity(etag);
}

function ofEntity(tag: string): string {
  return tag.replace(/\.[a-z0-9]*"$/, '"');
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
  return field === undefined ? undefined : parseHttpDate(field, Date.now());
}
