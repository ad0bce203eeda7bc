import { isBlank, trimBlanks } from './characters.ts';
import type { Fields } from './fields.ts';

const EQUALS = 0x3d;
const SEMICOLON = 0x3b;

/**
 * The value of the first cookie of that name in a Cookie field (RFC 6265 section 5.4), as it was sent, quotes included; undefined when
 * there is none. Servers must not rely on the order of two of one name; browsers send the one with the longer path first.
 */
export function cookieValue(field: string | undefined, name: string): string | undefined {
  if (field === undefined) return undefined;
  const start = nextValue(field, name, 0);
  return start < 0 ? undefined : valueFrom(field, start);
}

/** As `cookieValue`, but null where several of the name have different values: which of them is meant nobody can tell. */
export function soleCookieValue(field: string, name: string): string | null | undefined {
  let start = nextValue(field, name, 0);
  if (start < 0) return undefined;
  const found = valueFrom(field, start);
  while ((start = nextValue(field, name, afterCookie(field, start))) >= 0)
    if (valueFrom(field, start) !== found) return null;
  return found;
}

/** Where the value begins of the first cookie of that name among those from there on; -1 where there is none. */
function nextValue(field: string, name: string, from: number): number {
  for (let at = from; at < field.length; at = afterCookie(field, at)) {
    while (isBlank(field.charCodeAt(at))) at++;
    if (field.charCodeAt(at + name.length) === EQUALS && field.startsWith(name, at))
      return at + name.length + 1;
  }
  return -1;
}

/** The value that begins there, without the blanks behind it. */
function valueFrom(field: string, start: number): string {
  let end = afterCookie(field, start) - 1;
  while (isBlank(field.charCodeAt(end - 1))) end--;
  return field.slice(start, end);
}

/** Where the next cookie may begin; of the last one, behind what would be its semicolon. */
function afterCookie(field: string, at: number): number {
  const semicolon = field.indexOf(';', at);
  return (semicolon < 0 ? field.length : semicolon) + 1;
}

/** The values of all cookies of that name in a Cookie field, in their order. */
export function cookieValues(field: string, name: string): string[] {
  return field
    .split(';')
    .map(trimBlanks)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/** Takes cookies of some names off requests. Made once, since nothing of it depends on a request. */
export class CookieRemover {
  readonly #names: readonly string[];
  readonly #suffix: string;
  /** What may follow a name. */
  readonly #suffixInitial: number;

  /** Also those whose names go on with `suffix` and anything; empty for none. */
  constructor(names: readonly string[], suffix = '') {
    this.#names = names;
    this.#suffix = suffix;
    this.#suffixInitial = suffix === '' ? EQUALS : suffix.charCodeAt(0);
  }

  /** A Cookie field that has no other goes too. What stands between the others stays as it is. */
  takeOff(fields: Fields): void {
    fields.edit('cookie', this.without);
  }

  /** A Cookie field without the cookies, however often they stand in it; empty where there is no other. */
  readonly without = (field: string): string => {
    let kept = '';
    let from = 0;
    for (let at = 0; at < field.length; ) {
      const next = field.indexOf(';', at);
      const end = next < 0 ? field.length : next + 1;
      let start = at;
      while (isBlank(field.charCodeAt(start))) start++;
      if (this.#isMeant(field, start)) {
        if (from < at) kept += field.slice(from, at);
        from = end;
      }
      at = end;
    }
    if (from === 0) return field;
    return from === field.length && kept === '' ? '' : trimmed(kept + field.slice(from));
  };

  /** Whether one of them begins here. What follows the name decides mostly; the name is compared only where that fits. */
  #isMeant(field: string, start: number): boolean {
    const names = this.#names;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const end = start + name.length;
      const code = field.charCodeAt(end);
      if (code !== EQUALS && code !== this.#suffixInitial) continue;
      if (field.startsWith(name, start) && (code === EQUALS || field.startsWith(this.#suffix, end)))
        return true;
    }
    return false;
  }
}

/** Without blanks and semicolons at either end. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBetween(text.charCodeAt(start))) start++;
  while (end > start && isBetween(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBetween(code: number): boolean {
  return code === SEMICOLON || isBlank(code);
}
