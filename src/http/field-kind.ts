/** What the engine itself does with a field; any other field is passed on unread. */
export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  te: 7,
  /** Hop-by-hop by tradition (RFC 9110 section 7.6.1): never passed on, whatever Connection says. */
  dropped: 8,
  /** Looks like a framing field to some recipient, and is none: the message is refused. */
  lookalike: 9,
} as const;

export type FieldKind = (typeof FIELD)[keyof typeof FIELD];

const HYPHEN = 0x2d;

const HOST = words('host');
const CONTENT_LENGTH = words('content-length');
const TRANSFER_ENCODING = words('transfer-encoding');
const CONNECTION = words('connection');
const UPGRADE = words('upgrade');
const EXPECT = words('expect');
const KEEP_ALIVE = words('keep-alive');
const PROXY_CONNECTION = words('proxy-connection');
const HTTP2_SETTINGS = words('http2-settings');

const CONTENT_LENGTH_LETTERS = octets('contentlength');
const TRANSFER_ENCODING_LETTERS = octets('transferencoding');

/**
 * The kind of the field whose name is `data[from, to)`, which is a token; `odd` when it has more than letters, digits and hyphens.
 * It says what `FieldNames.find` says, without a string: the first letter and the length decide for most fields of most messages.
 */
export function fieldKind(data: Buffer, from: number, to: number, odd: boolean): FieldKind {
  const length = to - from;
  const first = odd ? HYPHEN : (data[from] as number) | 0x20;
  switch (first) {
    case 0x63: // c
      if (length === 10) return isName(data, from, to, CONNECTION) ? FIELD.connection : FIELD.other;
      if (length < 13) return FIELD.other;
      if (length === 14 && isName(data, from, to, CONTENT_LENGTH)) return FIELD.contentLength;
      return hasLetters(data, from, to, CONTENT_LENGTH_LETTERS) ? FIELD.lookalike : FIELD.other;
    case 0x74: // t
      if (length === 2) return ((data[from + 1] as number) | 0x20) === 0x65 ? FIELD.te : FIELD.other;
      if (length < 16) return FIELD.other;
      if (length === 17 && isName(data, from, to, TRANSFER_ENCODING)) return FIELD.transferEncoding;
      return hasLetters(data, from, to, TRANSFER_ENCODING_LETTERS) ? FIELD.lookalike : FIELD.other;
    case 0x68: // h
      if (length === 4) return isName(data, from, to, HOST) ? FIELD.host : FIELD.other;
      return length === 14 && isName(data, from, to, HTTP2_SETTINGS) ? FIELD.dropped : FIELD.other;
    case 0x75: // u
      return length === 7 && isName(data, from, to, UPGRADE) ? FIELD.upgrade : FIELD.other;
    case 0x65: // e
      return length === 6 && isName(data, from, to, EXPECT) ? FIELD.expect : FIELD.other;
    case 0x6b: // k
      return length === 10 && isName(data, from, to, KEEP_ALIVE) ? FIELD.dropped : FIELD.other;
    case 0x70: // p
      return length === 16 && isName(data, from, to, PROXY_CONNECTION) ? FIELD.dropped : FIELD.other;
    case HYPHEN: // no way to begin a name
      return hasLetters(data, from, to, CONTENT_LENGTH_LETTERS) ||
        hasLetters(data, from, to, TRANSFER_ENCODING_LETTERS)
        ? FIELD.lookalike
        : FIELD.other;
    default:
      return FIELD.other;
  }
}

/**
 * Whether the name, which has the right length, is this one. Four octets at a time, the last four again where they are fewer; the bit that
 * makes letters small changes no other octet of a token into one of these names.
 */
function isName(data: Buffer, from: number, to: number, name: Int32Array): boolean {
  let at = from;
  for (let i = 0; at < to - 4; i++, at += 4) if (word(data, at) !== name[i]) return false;
  return word(data, to - 4) === name[name.length - 1];
}

/** Four octets, their letters small. */
function word(data: Buffer, at: number): number {
  const high = ((data[at] as number) << 24) | ((data[at + 1] as number) << 16);
  return high | ((data[at + 2] as number) << 8) | (data[at + 3] as number) | 0x20202020;
}

/** Whether the letters and digits of a name are these, whatever stands between them. */
function hasLetters(data: Buffer, from: number, to: number, letters: Buffer): boolean {
  let found = 0;
  for (let i = from; i < to; i++) {
    const letter = (data[i] as number) | 0x20;
    if (!((letter >= 0x61 && letter <= 0x7a) || (letter >= 0x30 && letter <= 0x39))) continue;
    if (found === letters.length || letter !== letters[found]) return false;
    found++;
  }
  return found === letters.length;
}

function octets(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** A name as `isName` compares it. */
function words(name: string): Int32Array {
  const data = octets(name);
  const found: number[] = [];
  for (let at = 0; at < data.length - 4; at += 4) found.push(word(data, at));
  found.push(word(data, data.length - 4));
  return Int32Array.from(found);
}
