/** A Host field or the authority of a target. */
export interface Authority {
  /** In small letters, with the port as it was written. */
  readonly authority: string;
  /** In small letters, without port; an IPv6 address keeps its brackets. */
  readonly host: string;
}

const REG_NAME = /^[A-Za-z0-9_~.-]+$/;
const IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;

/**
 * Host field value (RFC 9110 section 7.2), stricter than its grammar: a name, an IPv4 address or a bracketed IPv6 address, and a
 * port from 1 to 65535 or none. undefined for anything else: a list, user information, a path, percent-encoding, an empty value.
 */
export function parseAuthority(text: string): Authority | undefined {
  if (text.length === 0 || text.length > 512) return undefined;
  let end = text.length;
  const colon = text.lastIndexOf(':');
  if (colon > text.lastIndexOf(']')) {
    if (!isPort(text, colon + 1)) return undefined;
    end = colon;
  }
  const host = text.slice(0, end);
  if (!REG_NAME.test(host) && !IPV6.test(host)) return undefined;
  return { authority: text.toLowerCase(), host: host.toLowerCase() };
}

function isPort(text: string, from: number): boolean {
  if (from === text.length || text.length - from > 5) return false;
  let port = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port > 0 && port <= 65_535;
}
