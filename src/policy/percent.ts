import { isUtf8 } from 'node:buffer';

/**
 * Percent-encoding (RFC 3986 section 2.1) of values that templates and policies put into a path or a query. Texts are latin1:
 * one character is one octet, save for names from the configuration, which may hold any character.
 */

/** Octets that may stand as they are, by code. */
export type Allowed = Uint8Array;

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~';
/** For a value that came from elsewhere: pchar of RFC 3986 section 3.3 without `;`, which some servers cut a segment at. */
export const IN_SEGMENT: Allowed = allow(`${UNRESERVED}!$&'()*+,=:@`);
/** For what was a path or a part of one already. */
export const IN_PATH: Allowed = allow(`${UNRESERVED}!$&'()*+,=:@/;`);
/** Without `&`, `=`, `+` and `;`, which have a meaning between and within parameters. */
export const IN_QUERY: Allowed = allow(`${UNRESERVED}!$'()*,:@/?`);

const PERCENT = 0x25;
const PLUS = 0x2b;
const HEX = '0123456789ABCDEF';

function allow(characters: string): Allowed {
  const table = new Uint8Array(128);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

/** Encodes plain text: a `%` in it is a character like another. */
export function encodePlain(text: string, allowed: Allowed): string {
  return encode(text, allowed, false);
}

/** Encodes what may be percent-encoded already: valid escapes stay, all else that may not stand there is encoded. */
export function encodeRest(text: string, allowed: Allowed): string {
  return encode(text, allowed, true);
}

function encode(text: string, allowed: Allowed, keepEscapes: boolean): string {
  let out = '';
  let copied = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 128 && allowed[code] === 1) continue;
    if (keepEscapes && code === PERCENT && isEscape(text, i)) {
      i += 2;
      continue;
    }
    out += text.slice(copied, i);
    copied = i + 1;
    if (code < 256) {
      out += octet(code);
    } else {
      // Beyond one octet only a name of the configuration can be: as UTF-8, a pair of surrogates together.
      const length = (text.codePointAt(i) as number) > 0xffff ? 2 : 1;
      for (const byte of Buffer.from(text.slice(i, i + length), 'utf8')) out += octet(byte);
      i += length - 1;
      copied = i + 1;
    }
  }
  return copied === 0 ? text : out + text.slice(copied);
}

function octet(code: number): string {
  return `%${HEX[code >> 4]}${HEX[code & 15]}`;
}

/**
 * The text that percent-encoded octets stand for, read as UTF-8. Never fails: an escape that is none stays as it is, octets that
 * are not UTF-8 become U+FFFD. `plusIsSpace` for a query's names and values.
 */
export function decodePercent(text: string, plusIsSpace: boolean): string {
  return needsDecoding(text) ? decodedOctets(text, plusIsSpace).toString('utf8') : text;
}

/** The same; undefined for octets that are not UTF-8. */
export function decodePercentStrictly(text: string, plusIsSpace: boolean): string | undefined {
  if (!needsDecoding(text)) return text;
  const octets = decodedOctets(text, plusIsSpace);
  return isUtf8(octets) ? octets.toString('utf8') : undefined;
}

function decodedOctets(text: string, plusIsSpace: boolean): Buffer {
  const octets = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === PERCENT && isEscape(text, i)) {
      octets[length++] = hexValue(text.charCodeAt(i + 1)) * 16 + hexValue(text.charCodeAt(i + 2));
      i += 2;
    } else {
      octets[length++] = plusIsSpace && code === PLUS ? 0x20 : code;
    }
  }
  return octets.subarray(0, length);
}

/** Text from latin1 octets that are most likely UTF-8, as in a field value. A text beyond latin1 is text already. */
export function decodeOctets(text: string): string {
  let ascii = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return text;
    if (code > 0x7f) ascii = false;
  }
  return ascii ? text : Buffer.from(text, 'latin1').toString('utf8');
}

function needsDecoding(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === PERCENT || code === PLUS || code > 0x7f) return true;
  }
  return false;
}

function isEscape(text: string, at: number): boolean {
  return (
    at + 2 < text.length && hexValue(text.charCodeAt(at + 1)) >= 0 && hexValue(text.charCodeAt(at + 2)) >= 0
  );
}

/** 0 to 15, or -1 for a code that is no hex digit. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
