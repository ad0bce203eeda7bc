/**
 * Sets of addresses and ranges in CIDR notation (RFC 4632, RFC 4291 section 2.3). An IPv4-mapped address
 * (`::ffff:192.0.2.1`) is the IPv4 address; an IPv6 range never covers an IPv4 address, `::/0` neither.
 */

/** A parsed address: an IPv4 address as one number, an IPv6 address as four, most significant first. */
type Address = { readonly family: 4; readonly word: number } | { readonly family: 6; readonly words: Words };
type Words = readonly [number, number, number, number];

export type Cidr =
  | { readonly kind: 'range'; readonly family: 4; readonly first: number; readonly last: number }
  | { readonly kind: 'range'; readonly family: 6; readonly first: Words; readonly last: Words };

export interface CidrFailure {
  readonly kind: 'refused';
  /** Completes "… is not an address or a range:". */
  readonly reason: string;
}

export interface CidrSet {
  readonly size: number;
  /** True when the address lies in one of the ranges; false for a text that is no address. */
  has(address: string): boolean;
}

/** Reads `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32` and the like. Bits beyond the prefix must be zero. */
export function parseCidr(text: string): Cidr | CidrFailure {
  const slash = text.indexOf('/');
  const addressText = slash === -1 ? text : text.slice(0, slash);
  const address = addressText.includes('%') ? undefined : parseAddress(addressText);
  if (!address) return refused(`${JSON.stringify(addressText)} is not an IPv4 or IPv6 address`);

  // An IPv4-mapped range counts its prefix from the start of the IPv6 address: 96 bits stand before the IPv4 part.
  const offset = address.family === 4 && addressText.includes(':') ? 96 : 0;
  const bits = address.family === 4 ? 32 : 128;
  let prefix = bits;
  if (slash !== -1) {
    const prefixText = text.slice(slash + 1);
    prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) - offset : -1;
    if (prefix < 0 || prefix > bits)
      return refused(`the prefix length must be a whole number from ${offset} to ${bits + offset}`);
  }

  if (address.family === 4) {
    const mask = maskOf(prefix);
    const first = (address.word & mask) >>> 0;
    if (first !== address.word) return hostBits(formatIPv4(first), prefix);
    return { kind: 'range', family: 4, first, last: (first | ~mask) >>> 0 };
  }
  const masks = [0, 1, 2, 3].map((word) => maskOf(bitsIn(prefix, word)));
  const first = address.words.map((word, i) => (word & (masks[i] as number)) >>> 0) as unknown as Words;
  const last = first.map((word, i) => (word | ~(masks[i] as number)) >>> 0) as unknown as Words;
  if (compareWords(first, address.words) !== 0) return hostBits(formatIPv6(first), prefix);
  return { kind: 'range', family: 6, first, last };
}

/**
 * Compiles ranges into a set whose lookup is a binary search. Throws RangeError for a text that `parseCidr` refuses;
 * a configuration is checked before it comes here.
 */
export function compileCidrs(texts: readonly string[]): CidrSet {
  const v4: { first: number; last: number }[] = [];
  const v6: { first: Words; last: Words }[] = [];
  for (const text of texts) {
    const cidr = parseCidr(text);
    if (cidr.kind === 'refused') throw new RangeError(`${text}: ${cidr.reason}`);
    if (cidr.family === 4) v4.push(cidr);
    else v6.push(cidr);
  }
  // Two CIDR ranges are either apart or one within the other, so dropping the inner ones leaves sorted, separate ranges.
  v4.sort((a, b) => a.first - b.first || b.last - a.last);
  v6.sort((a, b) => compareWords(a.first, b.first) || compareWords(b.last, a.last));
  const bounds: number[] = [];
  for (const { first, last } of v4) {
    if (bounds.length === 0 || last > (bounds.at(-1) as number)) bounds.push(first, last);
  }
  const separate: typeof v6 = [];
  for (const range of v6) {
    const before = separate.at(-1);
    if (!before || compareWords(range.last, before.last) > 0) separate.push(range);
  }
  return new Ranges(Uint32Array.from(bounds), separate);
}

class Ranges implements CidrSet {
  readonly size: number;
  /** First and last address of each range in turn, ascending. */
  readonly #v4: Uint32Array;
  readonly #v6: readonly { readonly first: Words; readonly last: Words }[];

  constructor(v4: Uint32Array, v6: readonly { readonly first: Words; readonly last: Words }[]) {
    this.#v4 = v4;
    this.#v6 = v6;
    this.size = v4.length / 2 + v6.length;
  }

  has(address: string): boolean {
    if (this.size === 0) return false;
    const word = parseIPv4(address, 0);
    if (word !== -1) return this.#hasV4(word);
    const parsed = parseAddress(address);
    if (!parsed) return false;
    return parsed.family === 4 ? this.#hasV4(parsed.word) : this.#hasV6(parsed.words);
  }

  #hasV4(word: number): boolean {
    const bounds = this.#v4;
    let low = 0;
    let high = bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle * 2 + 1] as number) < word) low = middle + 1;
      else high = middle;
    }
    return low * 2 < bounds.length && (bounds[low * 2] as number) <= word;
  }

  #hasV6(words: Words): boolean {
    const ranges = this.#v6;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareWords((ranges[middle] as { last: Words }).last, words) < 0) low = middle + 1;
      else high = middle;
    }
    const range = ranges[low];
    return range !== undefined && compareWords(range.first, words) <= 0;
  }
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
  const address = parseAddress(text);
  if (!address) return undefined;
  return address.family === 4 ? formatIPv4(address.word) : formatIPv6(address.words);
}

/**
 * The network of an address, such as `2001:db8::/64`; the text itself where it is no address. An IPv4 address with all 32 bits is its own
 * network, and costs one look for a colon.
 */
export function networkOf(address: string, bits: { readonly ipv4: number; readonly ipv6: number }): string {
  if (bits.ipv4 === 32 && !address.includes(':')) return address;
  const parsed = parseAddress(address);
  if (!parsed) return address;
  if (parsed.family === 4) return `${formatIPv4(parsed.word & maskOf(bits.ipv4))}/${bits.ipv4}`;
  const words = parsed.words.map((word, i) => (word & maskOf(bitsIn(bits.ipv6, i))) >>> 0);
  return `${formatIPv6(words as unknown as Words)}/${bits.ipv6}`;
}

/** How many of the first `bits` of an address lie in one of its words of 32. */
function bitsIn(bits: number, word: number): number {
  return Math.min(32, Math.max(0, bits - word * 32));
}

function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const word = parseIPv4(text, 0);
    return word === -1 ? undefined : { family: 4, word };
  }
  const zone = text.indexOf('%');
  const words = parseIPv6(zone === -1 ? text : text.slice(0, zone));
  if (!words) return undefined;
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return { family: 4, word: words[3] };
  return { family: 6, words };
}

/** Four decimal numbers without leading zeros, from `start` to the end of the text; -1 for anything else. */
function parseIPv4(text: string, start: number): number {
  if (text.length - start > 15) return -1;
  let word = 0;
  let dots = 0;
  let part = -1;
  for (let i = start; i < text.length; i++) {
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

/** Text forms of RFC 4291 section 2.2, the one with a dotted end included; without zone. */
function parseIPv6(text: string): Words | undefined {
  if (text.length < 2 || text.length > 45) return undefined;
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    if (groups.length === 8) return undefined;
    let end = text.indexOf(':', at);
    if (end === -1) end = text.length;
    if (end === text.length && text.indexOf('.', at) !== -1) {
      const word = parseIPv4(text, at);
      if (word === -1 || groups.length > 6) return undefined;
      groups.push(word >>> 16, word & 0xffff);
      break;
    }
    if (end === at || end - at > 4) return undefined;
    let group = 0;
    for (let i = at; i < end; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit === -1) return undefined;
      group = group * 16 + digit;
    }
    groups.push(group);
    if (end === text.length) break;
    at = end + 1;
    if (at === text.length) return undefined;
    if (text.charCodeAt(at) === 58) {
      if (gap !== -1) return undefined;
      gap = groups.length;
      at++;
    }
  }
  if (gap === -1 ? groups.length !== 8 : groups.length > 7) return undefined;
  if (gap !== -1) groups.splice(gap, 0, ...Array.from({ length: 8 - groups.length }, () => 0));
  const word = (i: number) => (groups[i] as number) * 0x10000 + (groups[i + 1] as number);
  return [word(0), word(2), word(4), word(6)];
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function formatIPv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

function formatIPv6(words: Words): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  // RFC 5952 section 4.2: the first longest run of at least two zero groups becomes `::`.
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (length === 1) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function compareWords(a: Words, b: Words): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
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
