/**
 * A Cookie field is read in place (RFC 6265 section 4.2.1): whatever a client wrote into it, reading goes over it once and makes nothing.
 * A client sends one such field (section 5.4), and what HTTP/2 takes apart is joined again (RFC 9113 section 8.2.3).
 */

const TAB = 0x09;
const SPACE = 0x20;
const EQUALS = 0x3d;

/** Where the value of the first cookie of that name begins; -1 when there is none. Names differ by capital letters too. */
export function cookieStart(field: string, name: string): number {
  for (let at = 0; ; ) {
    while (field.charCodeAt(at) === SPACE || field.charCodeAt(at) === TAB) at++;
    if (field.charCodeAt(at + name.length) === EQUALS && field.startsWith(name, at))
      return at + name.length + 1;
    const end = field.indexOf(';', at);
    if (end < 0) return -1;
    at = end + 1;
  }
}

/** Where the value that begins at `start` ends. */
export function cookieEnd(field: string, start: number): number {
  const end = field.indexOf(';', start);
  return end < 0 ? field.length : end;
}
