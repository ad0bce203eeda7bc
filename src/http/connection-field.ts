import { trimBlanks } from './characters.ts';
import type { Fields } from './fields.ts';

/** The Connection fields of a message, together (RFC 9110 section 7.6.1). */
export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  /** Fields that the sender meant for the next hop alone, in small letters. */
  names: string[];
  /** Elements of the list, empty ones and repeated ones included. */
  elements: number;
}

const CLOSE: Readonly<ConnectionOptions> = {
  close: true,
  keepAlive: false,
  upgrade: false,
  names: [],
  elements: 1,
};
const KEEP_ALIVE: Readonly<ConnectionOptions> = { ...CLOSE, close: false, keepAlive: true };
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Messages name a few options. Each may cost a look at every field, so that thousands would be work that the sender chooses. */
const MAX_ELEMENTS = 64;

/** Reads one Connection field, adding to those before it. undefined when it is no list of tokens, or too long a one. */
export function parseConnection(value: string, before?: ConnectionOptions): ConnectionOptions | undefined {
  if (before === undefined) {
    if (value === 'keep-alive' || value === 'Keep-Alive') return KEEP_ALIVE;
    if (value === 'close') return CLOSE;
  }
  const options: ConnectionOptions = before
    ? { ...before, names: before.names.slice() }
    : { close: false, keepAlive: false, upgrade: false, names: [], elements: 0 };
  for (let from = 0, end = 0; from <= value.length; from = end + 1) {
    if (++options.elements > MAX_ELEMENTS) return undefined;
    end = value.indexOf(',', from);
    if (end < 0) end = value.length;
    const token = trimBlanks(value.slice(from, end)).toLowerCase();
    if (token === '') continue;
    if (!TOKEN.test(token)) return undefined;
    if (token === 'close') options.close = true;
    else if (token === 'keep-alive') options.keepAlive = true;
    else if (token === 'upgrade') options.upgrade = true;
    else options.names.push(token);
  }
  return options;
}

/** Takes out the fields that Connection names, but for those that `isKept` says. */
export function removeNamed(
  fields: Fields,
  { names }: ConnectionOptions,
  isKept: (name: string) => boolean = isNone,
): void {
  const [first] = names;
  if (first === undefined) return;
  if (names.length === 1) {
    if (!isKept(first)) fields.delete(first);
    return;
  }
  // In one pass: names that begin alike are compared letter by letter, with each field.
  const named = new Set(names);
  fields.retain((lower) => !named.has(lower) || isKept(lower));
}

function isNone(): boolean {
  return false;
}
