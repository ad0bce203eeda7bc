import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from '../lib/cidr.ts';

/** One end of the connection that a proxy in front accepted. */
export interface ProxiedEnd {
  /** IPv4 or IPv6 in its canonical form; an IPv4-mapped address as IPv4. */
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** All octets so far fit a header; call again with more. */
  | { readonly kind: 'incomplete' }
  /** No header, or a malformed one: the connection must be closed, no answer is due. */
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'done';
      /** Octets that the header took; the client's own begin behind them. */
      readonly bytes: number;
      /** The proxy speaks for itself, as in a health check (LOCAL, or UNKNOWN in version 1). */
      readonly local: boolean;
      /** Missing when the header does not tell: the connection's own address stands then. */
      readonly source?: ProxiedEnd;
      readonly destination?: ProxiedEnd;
    };

type Refused = Extract<ProxyHeader, { kind: 'refused' }>;

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const V1_PREFIX = Buffer.from('PROXY ', 'latin1');
/** Section 2.1: the longest line, CRLF included. */
const V1_MAX_BYTES = 107;
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;
/** What may follow the fixed part of version 2. The specification allows 65535, for certificates in TLVs; nobody sends that. */
const V2_MAX_REST_BYTES = 4096;
const TLV_CRC32C = 0x03;

/** Octets to buffer at most before `parseProxyHeader` no longer answers `incomplete`. */
export const PROXY_HEADER_MAX_BYTES = V2_FIXED_BYTES + V2_MAX_REST_BYTES;

/**
 * Reads a PROXY protocol header, version 1 or 2, from the start of a connection (haproxy.org, proxy-protocol.txt). Give it
 * everything received so far; it keeps no state.
 */
export function parseProxyHeader(buffer: Buffer): ProxyHeader {
  if (buffer.length === 0) return INCOMPLETE;
  if (startsAs(buffer, V2_SIGNATURE)) return buffer.length < V2_FIXED_BYTES ? INCOMPLETE : parseV2(buffer);
  if (startsAs(buffer, V1_PREFIX)) return buffer.length < V1_PREFIX.length ? INCOMPLETE : parseV1(buffer);
  return refused('the connection does not begin with a PROXY protocol header');
}

function parseV1(buffer: Buffer): ProxyHeader {
  const end = buffer.subarray(0, V1_MAX_BYTES).indexOf('\r\n', 0, 'latin1');
  if (end === -1) {
    return buffer.length < V1_MAX_BYTES
      ? INCOMPLETE
      : refused(`the line is longer than ${V1_MAX_BYTES} octets`);
  }
  const bytes = end + 2;
  const parts = buffer.toString('latin1', 0, end).split(' ');
  // Section 2.1: whatever follows UNKNOWN is ignored up to the CRLF.
  if (parts[1] === 'UNKNOWN') return { kind: 'done', bytes, local: true };
  const isAddress = parts[1] === 'TCP4' ? isIPv4 : parts[1] === 'TCP6' ? isIPv6 : undefined;
  if (!isAddress) return refused('the protocol is none of TCP4, TCP6, UNKNOWN');
  if (parts.length !== 6) return refused('the line has not exactly two addresses and two ports');
  const [, , from, to, fromPort, toPort] = parts as [string, string, string, string, string, string];
  if (!isAddress(from) || !isAddress(to) || from.includes('%') || to.includes('%'))
    return refused(`an address is not one of ${parts[1]}`);
  const source = { address: canonicalAddress(from) as string, port: parsePort(fromPort) };
  const destination = { address: canonicalAddress(to) as string, port: parsePort(toPort) };
  if (source.port === -1 || destination.port === -1) return refused('a port is not a number from 0 to 65535');
  return { kind: 'done', bytes, local: false, source, destination };
}

/** Section 2.1: no leading zero, no sign; -1 for anything else. */
function parsePort(text: string): number {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text)) return -1;
  const port = Number(text);
  return port <= 65_535 ? port : -1;
}

function parseV2(buffer: Buffer): ProxyHeader {
  const versionAndCommand = buffer[12] as number;
  const family = (buffer[13] as number) >>> 4;
  const transport = (buffer[13] as number) & 15;
  const rest = buffer.readUInt16BE(14);
  if (versionAndCommand >>> 4 !== 2) return refused('the version is not 2');
  const command = versionAndCommand & 15;
  if (command > 1) return refused('the command is neither LOCAL nor PROXY');
  if (family > 3 || transport > 2) return refused('the address family or the transport is not known');
  if (rest > V2_MAX_REST_BYTES) return refused(`the header is longer than ${PROXY_HEADER_MAX_BYTES} octets`);
  const bytes = V2_FIXED_BYTES + rest;
  if (buffer.length < bytes) return INCOMPLETE;

  // Section 2.2: with LOCAL and with an unspecified family or transport the rest is skipped, whatever it holds.
  if (command === 0) return { kind: 'done', bytes, local: true };
  if (family === 0 || transport === 0) return { kind: 'done', bytes, local: false };
  if (transport === 2) return refused('the proxied connection is not a stream');

  const addressBytes = family === 1 ? 4 : family === 2 ? 16 : 108;
  const portBytes = family === 3 ? 0 : 2;
  const tlvStart = V2_FIXED_BYTES + 2 * (addressBytes + portBytes);
  if (bytes < tlvStart) return refused('the header is too short for its addresses');
  const wrong = checkTlvs(buffer, tlvStart, bytes);
  if (wrong) return wrong;
  // A client on a UNIX socket has no address that the gateway could match or limit.
  if (family === 3) return { kind: 'done', bytes, local: false };

  const portsAt = V2_FIXED_BYTES + 2 * addressBytes;
  const source = {
    address: readAddress(buffer, V2_FIXED_BYTES, addressBytes),
    port: buffer.readUInt16BE(portsAt),
  };
  const destination = {
    address: readAddress(buffer, V2_FIXED_BYTES + addressBytes, addressBytes),
    port: buffer.readUInt16BE(portsAt + 2),
  };
  return { kind: 'done', bytes, local: false, source, destination };
}

/** Walks the type-length-values up to `end` and verifies a checksum where there is one (section 2.2.3). */
function checkTlvs(buffer: Buffer, start: number, end: number): Refused | undefined {
  for (let at = start; at < end; ) {
    if (at + 3 > end) return refused('a type-length-value is cut off');
    const length = buffer.readUInt16BE(at + 1);
    const valueAt = at + 3;
    if (valueAt + length > end) return refused('a type-length-value is cut off');
    if (buffer[at] === TLV_CRC32C) {
      if (length !== 4) return refused('the checksum is not four octets long');
      const header = Buffer.from(buffer.subarray(0, end));
      header.writeUInt32BE(0, valueAt);
      if (crc32c(header) !== buffer.readUInt32BE(valueAt)) return refused('the checksum does not match');
    }
    at = valueAt + length;
  }
  return undefined;
}

function readAddress(buffer: Buffer, at: number, bytes: number): string {
  if (bytes === 4) return buffer.subarray(at, at + 4).join('.');
  const groups: string[] = [];
  for (let i = at; i < at + 16; i += 2) groups.push(buffer.readUInt16BE(i).toString(16));
  return canonicalAddress(groups.join(':')) as string;
}

/** CRC-32C, the Castagnoli polynomial reflected (RFC 9260 appendix A). Bit by bit: a header is short and comes once a connection. */
function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const octet of data) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Whether what is there of `buffer` is, as far as it goes, the beginning that `prefix` is. */
function startsAs(buffer: Buffer, prefix: Buffer): boolean {
  const length = Math.min(buffer.length, prefix.length);
  return buffer.compare(prefix, 0, length, 0, length) === 0;
}

function refused(reason: string): Refused {
  return { kind: 'refused', reason };
}
