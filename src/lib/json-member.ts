const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const BACKSLASH = 0x5c;

/**
 * The octets of a member's value, as they are written, of a JSON text that `JsonScanner` accepts: numbers keep every digit. Undefined where the
 * text is no object or has no such member.
 */
export function jsonMember(data: Buffer, name: string): Buffer | undefined {
  let at = skipSpace(data, 0);
  if (data[at] !== OPEN_OBJECT) return undefined;
  for (at = skipSpace(data, at + 1); data[at] === QUOTE; at = skipSpace(data, at + 1)) {
    const keyEnd = endOfString(data, at);
    const isMeant = JSON.parse(data.toString('utf8', at, keyEnd)) === name;
    at = skipSpace(data, keyEnd);
    if (data[at] !== COLON) return undefined;
    const start = skipSpace(data, at + 1);
    const end = endOfValue(data, start);
    if (isMeant) return data.subarray(start, end);
    at = skipSpace(data, end);
    if (data[at] !== COMMA) return undefined;
  }
  return undefined;
}

/** Position behind a value, without the white space that follows it. */
function endOfValue(data: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < data.length) {
    const octet = data[at] as number;
    if (octet === QUOTE) {
      at = endOfString(data, at);
      if (depth === 0) return at;
      continue;
    }
    if (isOpening(octet)) depth++;
    else if (isClosing(octet)) {
      // That of the object around it.
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (octet === COMMA || isSpace(octet))) return at;
    at++;
  }
  return at;
}

/** Position behind the quote that closes it. */
function endOfString(data: Buffer, start: number): number {
  let at = start + 1;
  while (at < data.length && data[at] !== QUOTE) at += data[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** `{` or `[`. */
function isOpening(octet: number): boolean {
  return octet === OPEN_OBJECT || octet === 0x5b;
}

/** `}` or `]`. */
function isClosing(octet: number): boolean {
  return octet === 0x7d || octet === 0x5d;
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09;
}

function skipSpace(data: Buffer, from: number): number {
  let at = from;
  while (isSpace(data[at])) at++;
  return at;
}
