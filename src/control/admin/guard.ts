import { isIP } from 'node:net';

/** host and port of a Host or :authority value; undefined when it is not one. */
function splitAuthority(authority: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(authority);
  return match?.[1]?.toLowerCase();
}

/**
 * Whether a request may be addressed so. A page of a hostile site can make its own name resolve to 127.0.0.1 (DNS rebinding)
 * and then read answers as its own; it cannot change what the browser sends in Host. An address, localhost and the names
 * of the configuration can not be such a name.
 */
export function isAllowedHost(authority: string | undefined, names: readonly string[]): boolean {
  if (authority === undefined) return false;
  const host = splitAuthority(authority);
  if (host === undefined) return false;
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return isIP(bare) !== 0 || host === 'localhost' || host.endsWith('.localhost') || names.includes(host);
}

/**
 * Whether a request that changes something may come from this page. A browser sends Origin with every cross-site POST
 * (and Sec-Fetch-Site, which a page cannot set); a command line sends neither.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  fetchSite: string | undefined,
  authority: string,
): boolean {
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') return false;
  if (origin === undefined) return true;
  return origin === `http://${authority}` || origin === `https://${authority}`;
}
