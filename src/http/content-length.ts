/** The octets that a Content-Length field states (RFC 9110 section 8.6): digits alone, at most 15 of them. -1 for anything else. */
export function parseContentLength(value: string): number {
  const digits = value.length;
  if (digits === 0 || digits > 15) return -1;
  let length = 0;
  for (let i = 0; i < digits; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}
