import type { AllowedOrigins } from './allowed-origins.ts';
import type { Fields } from './fields.ts';
import { isOwnOrigin, originOfUrl } from './own-origin.ts';

/** What of a request tells which page sent it. */
interface Sent {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly fields: Fields;
}

/** Whether a request can do nothing by itself (RFC 9110 section 9.2.1). */
export function isHarmless({ method, fields }: Pick<Sent, 'method' | 'fields'>): boolean {
  // A WebSocket begins with a GET, is not held to one origin by browsers, and may do anything once it is open (RFC 6455 section 10.2).
  return (
    (method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE') &&
    !fields.has('sec-websocket-key')
  );
}

/**
 * Whether a browser sent the request for a page of the own origin or an allowed one, or for its user; undefined where the request does not
 * tell. `sameSite`: pages of all hosts of the same site are as good, as far as the browser vouches for that.
 */
export function isSentByAllowedPage(
  { fields, scheme, authority }: Omit<Sent, 'method'>,
  origins: AllowedOrigins,
  sameSite: boolean,
): boolean | undefined {
  const site = fields.get('sec-fetch-site');
  // Fetch Metadata section 2.3: a page cannot set the field itself. `none`: the user began it, as by a bookmark.
  if (site === 'same-origin' || site === 'none') return true;
  const origin = fields.get('origin');
  if (site !== undefined) {
    // Not the own origin either: that of a request which another site redirected here would be.
    if (site === 'same-site' && sameSite) return true;
    return origin !== undefined && origins.has(origin);
  }
  const from = origin ?? originOfReferer(fields.get('referer'));
  return from === undefined ? undefined : isOwnOrigin(from, scheme, authority) || origins.has(from);
}

/** Undefined where there is no Referer; one that is no URL is no origin, so that nothing allows it. */
function originOfReferer(referer: string | undefined): string | undefined {
  return referer === undefined || referer === '' ? undefined : (originOfUrl(referer) ?? 'null');
}
