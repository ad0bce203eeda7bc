const EQUALS = 0x3d;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * The value of the first cookie of that name in a Cookie field (RFC 6265 section 5.4), as it was sent, quotes included; undefined when
 * there is none. Servers must not rely on the order of two of one name; browsers send the one with the longer path first.
 */
export function cookieValue(field: string | undefined, name: string): string | undefined {
  if (field === undefined) return undefined;
  for (let at = 0; at < field.length; at++) {
    while (isBlank(field.charCodeAt(at))) at++;
    const next = field.indexOf(';', at);
    const end = next < 0 ? field.length : next;
    if (field.charCodeAt(at + name.length) === EQUALS && field.startsWith(name, at)) {
      let last = end;
      while (isBlank(field.charCodeAt(last - 1))) last--;
      return field.slice(at + name.length + 1, last);
    }
    at = end;
  }
  return undefined;
}

/** The values of all cookies of that name in a Cookie field, in their order. */
export function cookieValues(field: string, name: string): string[] {
  return field
    .split(';')
    .map(trimBlanks)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
