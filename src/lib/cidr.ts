/**
 * Addresses and ranges in CIDR notation (RFC 4632, RFC 4291 section 2.3). An IPv4-mapped address (`::ffff:192.0.2.1`) is the IPv4
 * address; an IPv6 range never covers an IPv4 address, `::/0` neither.
 */

/** Four words of 32 bits, most significant first. */
type Words = readonly [number, number, number, number];

/** `prefix` counts the bits of the family: 0 to 32 for IPv4, 0 to 128 for IPv6. */
export type Cidr =
  | {
      readonly kind: 'range';
      readonly family: 4;
      readonly prefix: number;
      readonly first: number;
      readonly last: number;
    }
  | {
      readonly kind: 'range';
      readonly family: 6;
      readonly prefix: number;
      readonly first: Words;
      readonly last: Words;
    };

export interface CidrFailure {
  readonly kind: 'refused';
  /** Completes "… is not an address or a range:". */
  readonly reason: string;
}

/**
 * Reads `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32` and the like. Bits beyond the prefix must be zero. Whoever reads many gives a
 * reader of their own, which spares one for each.
 */
export function parseCidr(text: string, reader: AddressReader = new AddressReader()): Cidr | CidrFailure {
  const slash = text.indexOf('/');
  const addressText = slash === -1 ? text : text.slice(0, slash);
  if (addressText.includes('%') || !reader.read(addressText))
    return refused(`${JSON.stringify(addressText)} is not an IPv4 or IPv6 address`);

  // An IPv4-mapped range counts its prefix from the start of the IPv6 address: 96 bits stand before the IPv4 part.
  const isV4 = reader.v4 !== -1;
  const offset = isV4 && addressText.includes(':') ? 96 : 0;
  const bits = isV4 ? 32 : 128;
  let prefix = bits;
  if (slash !== -1) {
    const prefixText = text.slice(slash + 1);
    prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) - offset : -1;
    if (prefix < 0 || prefix > bits)
      return refused(`the prefix length must be a whole number from ${offset} to ${bits + offset}`);
  }

  if (isV4) {
    const mask = maskOf(prefix);
    const first = (reader.v4 & mask) >>> 0;
    if (first !== reader.v4) return hostBits(formatIPv4(first), prefix);
    return { kind: 'range', family: 4, prefix, first, last: (first | ~mask) >>> 0 };
  }
  const first: [number, number, number, number] = [0, 0, 0, 0];
  const last: [number, number, number, number] = [0, 0, 0, 0];
  let beyond = 0;
  for (let i = 0; i < 4; i++) {
    const word = reader.words[i] as number;
    const mask = maskOf(bitsIn(prefix, i));
    beyond |= word & ~mask;
    first[i] = (word & mask) >>> 0;
    last[i] = (word | ~mask) >>> 0;
  }
  if (beyond !== 0) return hostBits(formatIPv6(first), prefix);
  return { kind: 'range', family: 6, prefix, first, last };
}

/** As `parseCidr` reads it. */
export function formatCidr({ family, first, prefix }: Cidr): string {
  return family === 4 ? `${formatIPv4(first)}/${prefix}` : `${formatIPv6(first)}/${prefix}`;
}

/**
 * An address of a socket as it is compared and logged: without zone, an IPv4-mapped one as IPv4. A text that is no
 * address is returned as it is.
 */
export function normaliseAddress(address: string): string {
  // The common case, dotted IPv4, costs one look for a colon.
  if (!address.includes(':')) return address;
  return canonicalAddress(address) ?? address;
}

/** The one way to write an address (RFC 5952; IPv4-mapped as IPv4, no zone), or undefined for any other text. */
export function canonicalAddress(text: string): string | undefined {
  // Most are IPv4, and asked for once: no reader is made for them.
  const v4 = parseIPv4(text, 0, text.length);
  if (v4 !== -1) return formatIPv4(v4);
  const reader = new AddressReader();
  if (!reader.read(text)) return undefined;
  return reader.v4 === -1 ? formatIPv6(reader.words) : formatIPv4(reader.v4);
}

/** What addresses of one client have in common: of IPv4 all, of IPv6 the network, since one client has all of its addresses. */
export const CLIENT_BITS = { ipv4: 32, ipv6: 64 } as const;

/** Names the networks of addresses, each by the same number of bits. */
export class Networks {
  readonly #ipv4: number;
  readonly #ipv6: number;
  readonly #reader = new AddressReader();

  constructor(bits: { readonly ipv4: number; readonly ipv6: number }) {
    this.#ipv4 = bits.ipv4;
    this.#ipv6 = bits.ipv6;
  }

  /**
   * The network of an address, such as `2001:db8::/64`; the text itself where it is no address. An IPv4 address with all 32 bits is its
   * own network, and costs one look for a colon; an IPv6 address costs 0.2 us.
   */
  of(address: string): string {
    if (this.#ipv4 === 32 && !address.includes(':')) return address;
    const reader = this.#reader;
    if (!reader.read(address)) return address;
    const { v4, words } = reader;
    if (v4 !== -1) return `${formatIPv4((v4 & maskOf(this.#ipv4)) >>> 0)}/${this.#ipv4}`;
    for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) & maskOf(bitsIn(this.#ipv6, i));
    return `${formatIPv6(words)}/${this.#ipv6}`;
  }
}

/** How many of the first `bits` of an address lie in one of its words of 32. */
function bitsIn(bits: number, word: number): number {
  return Math.min(32, Math.max(0, bits - word * 32));
}

/** Takes addresses apart, each into the same place, so that nothing is allocated for one more. */
export class AddressReader {
  /** The address when it is an IPv4 or IPv4-mapped one, else -1. */
  v4 = -1;
  /** An IPv6 address, most significant word first; not meaningful for the others. */
  readonly words = new Uint32Array(4);
  readonly #groups = new Uint16Array(8);

  /** False for a text that is no address. A zone (`%eth0`) is left out. */
  read(text: string): boolean {
    this.v4 = parseIPv4(text, 0, text.length);
    if (this.v4 !== -1) return true;
    const zone = text.indexOf('%');
    const groups = this.#groups;
    if (!parseIPv6(text, zone === -1 ? text.length : zone, groups)) return false;
    const words = this.words;
    for (let i = 0; i < 4; i++)
      words[i] = (groups[i * 2] as number) * 0x10000 + (groups[i * 2 + 1] as number);
    if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) this.v4 = words[3] as number;
    return true;
  }
}

/** Four decimal numbers without leading zeros, from `start` to `end`; -1 for anything else. */
function parseIPv4(text: string, start: number, end: number): number {
  if (end - start > 15) return -1;
  let word = 0;
  let dots = 0;
  let part = -1;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      // A leading zero is octal to some readers and decimal to others, so it is refused.
      if (part === 0) return -1;
      part = part === -1 ? code - 48 : part * 10 + code - 48;
      if (part > 255) return -1;
    } else if (code === 46 && part !== -1 && dots < 3) {
      word = word * 256 + part;
      dots++;
      part = -1;
    } else {
      return -1;
    }
  }
  return dots === 3 && part !== -1 ? word * 256 + part : -1;
}

/** Text forms of RFC 4291 section 2.2, the one with a dotted end included; without zone. Fills the eight groups. */
function parseIPv6(text: string, end: number, groups: Uint16Array): boolean {
  if (end < 2 || end > 45) return false;
  let count = 0;
  let gap = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON && text.charCodeAt(1) === COLON) {
    gap = 0;
    at = 2;
  }
  while (at < end) {
    if (count === 8) return false;
    const from = at;
    let group = 0;
    for (let code = text.charCodeAt(at); at < end && code !== COLON; code = text.charCodeAt(++at)) {
      const digit = hexDigit(code);
      if (digit === -1) break;
      group = group * 16 + digit;
      if (at - from === 4) return false;
    }
    if (at < end && text.charCodeAt(at) === DOT) {
      const word = parseIPv4(text, from, end);
      if (word === -1 || count > 6) return false;
      groups[count++] = word >>> 16;
      groups[count++] = word & 0xffff;
      break;
    }
    if (at === from || (at < end && text.charCodeAt(at) !== COLON)) return false;
    groups[count++] = group;
    if (at === end) break;
    if (++at === end) return false;
    if (text.charCodeAt(at) === COLON) {
      if (gap !== -1) return false;
      gap = count;
      at++;
    }
  }
  if (gap === -1) return count === 8;
  if (count > 7) return false;
  // Loops: copyWithin and fill take longer than all the rest, for so few.
  for (let from = count - 1, to = 7; from >= gap; from--, to--) groups[to] = groups[from] as number;
  for (let i = gap; i < 8 - (count - gap); i++) groups[i] = 0;
  return true;
}

const COLON = 0x3a;
const DOT = 0x2e;

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

export function formatIPv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** `words` are four. */
export function formatIPv6(words: ArrayLike<number>): string {
  // RFC 5952 section 4.2: the first longest run of at least two zero groups becomes `::`.
  let start = 8;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groupOf(words, end) === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    if (end > i) i = end;
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === start) {
      text += '::';
      i += length - 1;
    } else {
      if (i > 0 && i !== start + length) text += ':';
      text += hexOf(groupOf(words, i));
    }
  }
  return text;
}

/** One of eight. */
function groupOf(words: ArrayLike<number>, at: number): number {
  const word = words[at >> 1] as number;
  return at % 2 === 0 ? word >>> 16 : word & 0xffff;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16));
const PADDED: readonly string[] = HEX.map((text) => text.padStart(2, '0'));

/** Of 16 bits. As quick as a table, where toString(16) takes three times as long. */
function hexOf(group: number): string {
  const high = group >> 8;
  const low = group & 0xff;
  return high === 0 ? (HEX[low] as string) : (HEX[high] as string) + (PADDED[low] as string);
}

/** The highest `bits` of 32 set, as a signed word for the bit operators. */
function maskOf(bits: number): number {
  return bits === 0 ? 0 : -1 << (32 - bits);
}

function hostBits(network: string, prefix: number): CidrFailure {
  return refused(`it has bits set beyond its prefix; write ${network}/${prefix}`);
}

function refused(reason: string): CidrFailure {
  return { kind: 'refused', reason };
}
