/** 1 where an octet may stand in a field value: VCHAR, obs-text, SP and HTAB (RFC 9110 section 5.5). */
export const FIELD_CONTENT: Uint8Array = table((code) => code === 0x09 || (code >= 0x20 && code !== 0x7f));

/** White space within and around field values: SP and HTAB (RFC 9110 section 5.6.3). */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Without blanks at either end. By index: an expression for those at the end is tried from each blank of a run, which costs its square. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/**
 * Octets of a request target that is sent on: visible ASCII without `#`, which ends a target, and without the backslash, which some
 * recipients take for a slash; 0 for the rest. Those to be watched may begin a query or make a path that has another form.
 */
export const TARGET_PLAIN = 1;
export const TARGET_WATCHED = 2;
export const TARGET: Uint8Array = targets();

function targets(): Uint8Array {
  const kinds = table((code) => code > 0x20 && code < 0x7f && code !== 0x23 && code !== 0x5c);
  for (const watched of '/.%?') kinds[watched.charCodeAt(0)] = TARGET_WATCHED;
  return kinds;
}

/** Octets of a field name (RFC 9110 section 5.6.2): letters, digits and the hyphen; what else a token may have; 0 for the rest. */
export const NAME_PLAIN = 1;
export const NAME_ODD = 2;
export const NAME: Uint8Array = names();

function names(): Uint8Array {
  const kinds = new Uint8Array(256);
  for (const letter of "!#$%&'*+.^_`|~") kinds[letter.charCodeAt(0)] = NAME_ODD;
  for (const letter of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-')
    kinds[letter.charCodeAt(0)] = NAME_PLAIN;
  return kinds;
}

function table(test: (code: number) => boolean): Uint8Array {
  const allowed = new Uint8Array(256);
  for (let code = 0; code < 256; code++) if (test(code)) allowed[code] = 1;
  return allowed;
}
