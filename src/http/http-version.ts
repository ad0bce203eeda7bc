const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;

/**
 * The version whose eight octets are at `at` (RFC 9112 section 2.3), 11 for `HTTP/1.1`; -1 for what is none. The caller knows that so many
 * octets are there.
 */
export function httpVersion(data: Buffer, at: number): number {
  if (data[at] !== 0x48 || data[at + 1] !== 0x54 || data[at + 2] !== 0x54 || data[at + 3] !== 0x50) return -1;
  if (data[at + 4] !== SLASH || data[at + 6] !== DOT) return -1;
  const major = (data[at + 5] as number) - ZERO;
  const minor = (data[at + 7] as number) - ZERO;
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return -1;
  return major * 10 + minor;
}
