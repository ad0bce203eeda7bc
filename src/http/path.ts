const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

/**
 * The one form in which a request's path is matched, logged and sent on, so that no two spellings of a path reach different routes.
 *
 * Takes the path of a request target: without its query, beginning with `/`. Unreserved characters are percent-decoded
 * (RFC 3986 section 6.2.2.2), every other escape is kept with capital hex digits, repeated slashes are merged, and dot segments
 * are removed after that decoding (section 5.2.4, never above the root). A slash at the end is kept. The result is a fixed
 * point: normalising it again changes nothing.
 *
 * Returns undefined for a path that is to be answered with 400, because a server behind could read it differently:
 * - a `%` without two hex digits, or `%00`;
 * - a raw backslash, `#`, `?`, white space, control or non-ASCII character;
 * - an escaped slash or backslash beside a `..` (`..%2Fadmin`): servers that decode it would climb;
 * - a dot segment with a path parameter (`..;x`, `.;`): some servers remove the parameter, then climb.
 */
export function normalisePath(raw: string): string | undefined {
  if (raw.charCodeAt(0) !== SLASH) return undefined;
  let rewrite = false;
  let previous = 0;
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x5c || code === 0x23 || code === 0x3f) return undefined;
    if (code === PERCENT || (previous === SLASH && (code === SLASH || code === DOT))) rewrite = true;
    previous = code;
  }
  return rewrite ? removeDotSegments(raw) : raw;
}

function removeDotSegments(raw: string): string | undefined {
  const decoded = raw.includes('%') ? decodeUnreserved(raw) : raw;
  if (decoded === undefined) return undefined;
  const kept: string[] = [];
  let last = '';
  for (const segment of decoded.split('/')) {
    last = segment;
    if (segment === '' || segment === '.') continue;
    if (segment === '..') kept.pop();
    else if (climbs(segment)) return undefined;
    else kept.push(segment);
  }
  // RFC 3986 section 5.2.4: a dot segment at the end leaves the slash before it.
  const directory = last === '' || last === '.' || last === '..';
  if (kept.length === 0) return '/';
  return `/${kept.join('/')}${directory ? '/' : ''}`;
}

/** Undefined for an escape that is cut short or stands for NUL. */
function decodeUnreserved(raw: string): string | undefined {
  let decoded = '';
  let done = 0;
  for (let at = raw.indexOf('%'); at !== -1; at = raw.indexOf('%', done)) {
    const high = hexDigit(raw.charCodeAt(at + 1));
    const low = hexDigit(raw.charCodeAt(at + 2));
    if (high < 0 || low < 0) return undefined;
    const code = high * 16 + low;
    if (code === 0) return undefined;
    decoded += raw.slice(done, at);
    decoded += isUnreserved(code) ? String.fromCharCode(code) : raw.slice(at, at + 3).toUpperCase();
    done = at + 3;
  }
  return decoded + raw.slice(done);
}

/** Whether a server that decodes `%2F` and `%5C`, or drops path parameters, would find a dot segment here. */
function climbs(segment: string): boolean {
  if (!segment.includes('.')) return false;
  const parts = segment.replaceAll('%3B', ';').split(/%2F|%5C/);
  return parts.some((part) => part === '..' || part.startsWith('..;') || part.startsWith('.;'));
}

/** NaN, of a character beyond the end, is no digit either. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** RFC 3986 section 2.3 */
function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === DOT || code === 0x5f || code === 0x7e;
}
