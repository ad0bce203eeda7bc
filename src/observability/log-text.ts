/** Printable ASCII without `"` and `\`: stands in a JSON string as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
/**
 * What JSON.stringify leaves alone but a terminal or a line reader may not: DEL, C1 controls, line and paragraph separators, and the
 * marks that turn the direction of text.
 */
// biome-ignore lint: control characters are the point
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A JSON string of any text; always valid, lone surrogates included, and free of control characters. */
export function jsonText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(UNPRINTABLE, escapeUnit);
}

/** The text with everything that could move a cursor or break a line written as `\u....`, for people to read. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.toWellFormed().replace(UNPRINTABLE, escapeUnit);
}

/**
 * Text of octets from the wire, where one character is one octet: read as UTF-8 where it is that, kept as latin1 where it is not.
 * Text with a character beyond latin1 did not come from the wire and is returned as it is.
 */
export function wireText(text: string): string {
  if (PLAIN.test(text)) return text;
  let ascii = true;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0xff) return text;
    if (c > 0x7f) ascii = false;
  }
  if (ascii) return text;
  try {
    return utf8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

/** As `jsonText(wireText(text))`, with one look at plain text. */
export function jsonWireText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : jsonText(wireText(text));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A value from the wire is cut here, so that a line stays far below any reader's limit. */
const MAX_VALUE_CHARS = 8192;

/** The text, cut where it is longer than any honest value. */
export function bounded(text: string): string {
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS)}...`;
}

/** Whether a text stands in a JSON string as it is, uncut: what is true of nearly every one. */
export function isShortAndPlain(text: string): boolean {
  return text.length <= MAX_VALUE_CHARS && PLAIN.test(text);
}
