import { soleCookieValue } from '../../http/cookie.ts';
import type { Fields } from '../../http/fields.ts';
import type { SessionConfig } from './schema.ts';

/** Larger than any that the gateway sets: not looked into. */
const MAX_VALUE_LENGTH = 256;
/** Follows the name of the session's cookie in those of logins under way. */
export const FLOW_COOKIE = '-flow-';
/** That of a login on the admin port. */
export const ADMIN_COOKIE = '__Host-portcullis-admin';
/** That of one under way there. */
export const ADMIN_FLOW_COOKIE = `${ADMIN_COOKIE}-flow`;
export const ADMIN_COOKIES: readonly string[] = [ADMIN_COOKIE, ADMIN_FLOW_COOKIE];
const HOST_PREFIX = '__Host-';
/** Browsers keep neither `__Host-` nor `Secure` cookies of plain http everywhere, as on a developer's machine. */
const LOCAL_PREFIX = 'http-';

/** Where a request came to. */
export interface CookiePlace {
  readonly scheme: 'http' | 'https';
  /** Without port, in small letters. */
  readonly host: string;
}

/** What a request has under the name of a cookie. */
type CookieReading = string | undefined | typeof NOT_OURS;
export const NOT_OURS = Symbol('a cookie that was not set here');

/**
 * One cookie of the gateway's own, which only the host that set it gets, over TLS, and no script sees (RFC 6265bis section 4.1.3.2). On a
 * developer's machine, http://localhost and the like, it has another name, which is taken nowhere else.
 */
export class SessionCookie {
  /** The names that it may have: what stands under them is nobody else's. */
  readonly names: readonly [secure: string, local: string];
  readonly #sameSite: SessionConfig['cookie']['sameSite'];
  readonly #maxAgeSeconds: number;

  constructor(name: string, sameSite: SessionConfig['cookie']['sameSite'], maxAgeMs: number) {
    this.names = [name, LOCAL_PREFIX + name.slice(HOST_PREFIX.length)];
    this.#sameSite = sameSite;
    this.#maxAgeSeconds = Math.ceil(maxAgeMs / 1000);
  }

  nameAt(place: CookiePlace): string {
    return isLocal(place) ? this.names[1] : this.names[0];
  }

  /**
   * The value that the request has, undefined where there is none. `NOT_OURS` for one that is too long, and for two: another host of the domain may
   * have set one of them, with a path, in a browser that does not hold to `__Host-` (RFC 6265 section 8.6), and which one nobody can tell.
   */
  read(fields: Fields, place: CookiePlace): CookieReading {
    const field = fields.get('cookie');
    if (field === undefined) return undefined;
    const name = this.nameAt(place);
    let value = soleCookieValue(field, name);
    if (value === undefined && fields.repeats('cookie'))
      value = soleCookieValue(fields.getAll('cookie').join('; '), name);
    if (value === undefined) return undefined;
    return value === null || value.length > MAX_VALUE_LENGTH ? NOT_OURS : value;
  }

  /** Set-Cookie with this value. */
  set(value: string, place: CookiePlace): string {
    return `${this.nameAt(place)}=${value}; Max-Age=${this.#maxAgeSeconds}${this.#attributes(place)}`;
  }

  /** Set-Cookie that takes the cookie from the browser. */
  clear(place: CookiePlace): string {
    return `${this.nameAt(place)}=; Max-Age=0${this.#attributes(place)}`;
  }

  #attributes(place: CookiePlace): string {
    if (isLocal(place))
      return `; Path=/; HttpOnly; SameSite=${this.#sameSite === 'strict' ? 'Strict' : 'Lax'}`;
    const sameSite = { lax: 'Lax', strict: 'Strict', none: 'None' }[this.#sameSite];
    return `; Path=/; Secure; HttpOnly; SameSite=${sameSite}`;
  }
}

/** Whether this is plain http to the machine that the browser runs on (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3). */
export function isLocal({ scheme, host }: CookiePlace): boolean {
  return (
    scheme === 'http' &&
    (host === 'localhost' ||
      host === '127.0.0.1' ||
      host.endsWith('.localhost') ||
      host === '[::1]' ||
      (host.startsWith('127.') && LOOPBACK.test(host)))
  );
}

const LOOPBACK = /^127(?:\.\d{1,3}){3}$/;
