const CONTROL = /[\u0000-\u001f\u007f]/; // oxlint-disable-line no-control-regex

/** Whether a control character is in it: neither a user name nor a password may have one (RFC 7617 section 2). */
export function hasControlCharacter(text: string): boolean {
  return CONTROL.test(text);
}
