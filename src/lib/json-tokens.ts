/** What JSON (RFC 8259) is written with, octet by octet. */

export const QUOTE = 0x22;
export const MINUS = 0x2d;
export const BACKSLASH = 0x5c;
const DOT = 0x2e;

/** What has been read of a number. */
export const Part = {
  sign: 0,
  zero: 1,
  digits: 2,
  dot: 3,
  fraction: 4,
  exponent: 5,
  exponentSign: 6,
  exponentDigits: 7,
} as const;
export type Part = (typeof Part)[keyof typeof Part];

export function skipSpace(data: Buffer, from: number): number {
  let at = from;
  while (at < data.length) {
    const octet = data[at];
    if (octet !== 0x20 && octet !== 0x0a && octet !== 0x0d && octet !== 0x09) return at;
    at++;
  }
  return at;
}

export function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 0x30 && octet <= 0x39;
}

/** What has been read of a number with one octet more; undefined where that does not go on with it. */
export function partAfter(part: Part, octet: number): Part | undefined {
  const isE = octet === 0x65 || octet === 0x45;
  switch (part) {
    case Part.sign:
      if (octet === 0x30) return Part.zero;
      return isDigit(octet) ? Part.digits : undefined;
    case Part.zero:
      if (octet === DOT) return Part.dot;
      return isE ? Part.exponent : undefined;
    case Part.digits:
      if (isDigit(octet)) return Part.digits;
      if (octet === DOT) return Part.dot;
      return isE ? Part.exponent : undefined;
    case Part.dot:
      return isDigit(octet) ? Part.fraction : undefined;
    case Part.fraction:
      if (isDigit(octet)) return Part.fraction;
      return isE ? Part.exponent : undefined;
    case Part.exponent:
      if (octet === 0x2b || octet === MINUS) return Part.exponentSign;
      return isDigit(octet) ? Part.exponentDigits : undefined;
    case Part.exponentSign:
    case Part.exponentDigits:
      return isDigit(octet) ? Part.exponentDigits : undefined;
  }
}

/** Whether any number of digits may follow that change nothing. */
export function mayRepeat(part: Part): boolean {
  return part === Part.digits || part === Part.fraction || part === Part.exponentDigits;
}

/** Whether a number may end there. */
export function isWholeNumber(part: Part): boolean {
  return part === Part.zero || part === Part.digits || part === Part.fraction || part === Part.exponentDigits;
}

/** Octets of an escape sequence, 0 when it is none. */
export function escapeLength(data: Buffer, at: number): number {
  switch (data[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75:
      for (let i = 2; i < 6; i++) if (!isHexDigit(data[at + i])) return 0;
      return 6;
    default:
      return 0;
  }
}

/** Whether what there is of an escape sequence may become one. */
export function isCutEscape(data: Buffer, at: number): boolean {
  if (at + 1 === data.length) return true;
  if (data[at + 1] !== 0x75 || at + 6 <= data.length) return false;
  for (let i = at + 2; i < data.length; i++) if (!isHexDigit(data[i])) return false;
  return true;
}

function isHexDigit(octet: number | undefined): boolean {
  if (octet === undefined) return false;
  const letter = octet | 0x20;
  return isDigit(octet) || (letter >= 0x61 && letter <= 0x66);
}
