const DEFAULT_PORT = { http: ':80', https: ':443' } as const;

/**
 * Whether an origin, as browsers serialise it (RFC 6454 section 6.2), is that of this scheme and authority. A browser leaves out the
 * scheme's own port; what a proxy says of the authority may have it.
 */
export function isOwnOrigin(origin: string, scheme: 'http' | 'https', authority: string): boolean {
  const hostStart = scheme.length + 3;
  if (authority === '' || !origin.startsWith(scheme) || !origin.startsWith('://', scheme.length))
    return false;
  const port = DEFAULT_PORT[scheme];
  const length = authority.endsWith(port) ? authority.length - port.length : authority.length;
  return origin.length === hostStart + length && authority.startsWith(origin.slice(hostStart));
}

/** The origin of a Referer (RFC 9110 section 10.1.3), an absolute URL; undefined when it is none. */
export function originOfUrl(url: string): string | undefined {
  const hostStart = url.indexOf('://') + 3;
  if (hostStart < 3) return undefined;
  let end = hostStart;
  while (end < url.length && !endsAuthority(url.charCodeAt(end))) end++;
  return url.slice(0, end);
}

/** `/`, `?`, `#`, and the backslash, which browsers read as a slash. */
function endsAuthority(code: number): boolean {
  return code === 0x2f || code === 0x3f || code === 0x23 || code === 0x5c;
}
