/** A Host field or the authority of a target, in its one spelling. */
export interface Authority {
  /** The host with the port as it was written, if there is one. */
  readonly authority: string;
  /** In small letters, without port and without a dot at its end; an IPv6 address keeps its brackets. */
  readonly host: string;
}

/** RFC 1034 section 3.1: with a dot at its end it is the same name, said to be whole. */
const REG_NAME = /^[A-Za-z0-9_~.-]*[A-Za-z0-9_~-]\.?$/;
const IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;

/**
 * Host field value (RFC 9110 section 7.2), stricter than its grammar: a name, an IPv4 address or a bracketed IPv6 address, and a
 * port from 1 to 65535 or none. undefined for anything else: a list, user information, a path, percent-encoding, an empty value.
 *
 * A dot at the end of a name is left out, so that no spelling of a host walks round its routes: services take both for the same host.
 * So is a colon without a port (RFC 3986 sections 3.2.3 and 6.2.3).
 */
export function parseAuthority(text: string): Authority | undefined {
  if (text.length === 0 || text.length > 512) return undefined;
  let end = text.length;
  let port = '';
  const colon = text.lastIndexOf(':');
  if (colon > text.lastIndexOf(']')) {
    end = colon;
    if (colon + 1 < text.length) {
      if (!isPort(text, colon + 1)) return undefined;
      port = text.slice(colon);
    }
  }
  const written = text.slice(0, end);
  if (!REG_NAME.test(written) && !IPV6.test(written)) return undefined;
  const host = (written.endsWith('.') ? written.slice(0, -1) : written).toLowerCase();
  return { authority: host + port, host };
}

/** Whether the text from there is a port; it is not empty. */
function isPort(text: string, from: number): boolean {
  if (text.length - from > 5) return false;
  let port = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port > 0 && port <= 65_535;
}
