/**
 * What identity providers say of a caller may be any text. It is put into fields, paths and the like in a form that every place takes: `%`
 * and whatever is not printable ASCII is percent-encoded as UTF-8, so that decoding gives the text back.
 */

const PERCENT = 0x25;
const HEX = '0123456789ABCDEF';
const COMMA = 0x2c;
const SPACE = 0x20;

export function escapeText(text: string): string {
  return escape(text, 0);
}

/** With `separator` between the items, and escaped within them: an item of one's own choice is not two. */
export function escapedList(items: readonly string[], separator: ',' | ' '): string {
  const mark = separator === ',' ? COMMA : SPACE;
  let out = '';
  for (let i = 0; i < items.length; i++) out += (i === 0 ? '' : separator) + escape(items[i] as string, mark);
  return out;
}

/**
 * The claim of that name, or within claims that are objects: `address.country`. Empty where there is none. Lists are as in
 * `escapedList`, with commas; an object is JSON.
 */
export function escapedClaim(claims: Readonly<Record<string, unknown>>, name: string): string {
  return escapedValue(claimAt(claims, name));
}

function escapedValue(value: unknown): string {
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && !value.some((item) => typeof item === 'object'))
    return escapedList(value.map(String), ',');
  return escapeText(JSON.stringify(value) ?? '');
}

/**
 * The value of the claim of that name, or within claims that are objects; undefined where there is none. A name with a dot in it, such as that
 * of a claim that is a URL, comes first.
 */
export function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  const dot = name.indexOf('.');
  if (dot < 0) return undefined;
  const part = Object.hasOwn(claims, name.slice(0, dot)) ? claims[name.slice(0, dot)] : undefined;
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return undefined;
  return claimAt(part as Readonly<Record<string, unknown>>, name.slice(dot + 1));
}

function escape(text: string, separator: number): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === PERCENT || code === separator)
      return text.slice(0, i) + escapeOctets(Buffer.from(text.slice(i)), separator);
  }
  return text;
}

function escapeOctets(octets: Buffer, separator: number): string {
  let out = '';
  for (const octet of octets) {
    const isPlain = octet >= 0x20 && octet <= 0x7e && octet !== PERCENT && octet !== separator;
    out += isPlain ? String.fromCharCode(octet) : `%${HEX[octet >> 4]}${HEX[octet & 15]}`;
  }
  return out;
}
