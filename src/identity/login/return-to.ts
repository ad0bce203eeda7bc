/** Longer ones would not fit where they have to be kept, and no page has one. */
const MAX_LENGTH = 2000;
/** Printable ASCII without what URLs escape, and without the backslash, which browsers read as a slash. */
const PLAIN = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]+$/;
/** Where an authority would begin: `//`, also as somebody behind the gateway may decode it. */
const SLASHES_FIRST = /^\/(?:\/|%2f|%5c)/i;

/** Where a browser came from, as far as the question is where it may go. */
interface Place {
  readonly scheme: 'http' | 'https';
  /** Host with its port if it had one. */
  readonly authority: string;
}

/**
 * Where a login may return to: a path of the own origin, or an address of an allowed one. Undefined for all else. What is accepted is
 * returned as it came: it is refused where a URL parser would read it otherwise (RFC 9700 section 4.11).
 */
export function safeReturn(
  text: string,
  { scheme, authority }: Place,
  isAllowed: (origin: string) => boolean,
): string | undefined {
  if (text.length > MAX_LENGTH || !PLAIN.test(text)) return undefined;
  const own = originOf(`${scheme}://${authority}`);
  if (own === undefined) return undefined;
  if (text.startsWith('/')) {
    if (SLASHES_FIRST.test(text)) return undefined;
    return parsed(text, own)?.origin === own ? text : undefined;
  }
  const url = parsed(text);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  // Whatever a lenient parser mends, such as `https:/host` or a host in other letters, is refused.
  const rest = text.slice(url.origin.length);
  if (!text.startsWith(url.origin) || !(rest === '' || /^[/?#]/.test(rest))) return undefined;
  return url.origin === own || isAllowed(url.origin) ? text : undefined;
}

function originOf(text: string): string | undefined {
  return parsed(text)?.origin;
}

function parsed(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
