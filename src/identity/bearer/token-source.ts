import { CookieRemover, cookieValue, cookieValues } from '../../http/cookie.ts';
import type { Exchange } from '../../policy/contract.ts';
import { decodePercent } from '../../policy/percent.ts';
import { queryValue, repeatsParameter, withoutParameter } from '../../policy/query.ts';
import { ABSENT, type Absent, type Refused } from '../authenticator.ts';

/** Where tokens are sent, beside the field that `header` names. */
export interface TokenPlaces {
  /** Small letters; `authorization` has the scheme Bearer before the token (RFC 6750 section 2.1), any other field the token alone. */
  readonly header: string | undefined;
  readonly cookie: string | undefined;
  readonly query: string | undefined;
}

/** RFC 6750 section 3.1: a request that repeats what has the token, or is malformed, is 400 `invalid_request`. */
function invalidRequest(detail: string): Refused {
  return {
    kind: 'refused',
    code: 'invalid_request',
    detail,
    answer: {
      status: 400,
      code: 'invalid_request',
      detail,
      headers: { 'WWW-Authenticate': `Bearer error="invalid_request", error_description="${detail}"` },
    },
  };
}

export const REPEATED_TOKEN = invalidRequest('The request has more than one token.');
export const MALFORMED_CREDENTIALS = invalidRequest(
  'The credentials are not the word Bearer, a space and a token.',
);

const SCHEME = 'bearer';
const SPACE = 0x20;
const TAB = 0x09;
/** token68 of RFC 9110 section 11.2, which b64token of RFC 6750 section 2.1 is. */
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/** Finds the token of a request, and takes it off. */
export class TokenSource {
  readonly #header: string | undefined;
  readonly #isAuthorization: boolean;
  readonly #cookie: string | undefined;
  readonly #remover: CookieRemover | undefined;
  readonly #query: string | undefined;

  constructor({ header, cookie, query }: TokenPlaces) {
    this.#header = header;
    this.#isAuthorization = header === 'authorization';
    this.#cookie = cookie;
    this.#remover = cookie === undefined ? undefined : new CookieRemover([cookie]);
    this.#query = query;
  }

  /** The one that is there, in whichever place. Two in one request are refused, also where they are alike. */
  find(exchange: Exchange): string | Absent | Refused {
    const found = this.#header === undefined ? ABSENT : this.#inHeader(exchange, this.#header);
    if (this.#cookie === undefined && this.#query === undefined) return found;
    const inCookie = this.#cookie === undefined ? ABSENT : inCookies(exchange, this.#cookie);
    const inQuery = this.#query === undefined ? ABSENT : inSearch(exchange, this.#query);
    return onlyOne(onlyOne(found, inCookie), inQuery);
  }

  /** Takes the token off what is sent upstream; other credentials stay. */
  strip(exchange: Exchange): void {
    const { request } = exchange;
    if (this.#header !== undefined) {
      const value = request.fields.get(this.#header);
      // Of two that somebody else let pass either may be a token.
      const isToken = !this.#isAuthorization || request.fields.repeats(this.#header);
      if (value !== undefined && (isToken || isBearer(value))) request.fields.delete(this.#header);
    }
    this.#remover?.takeOff(request.fields);
    if (this.#query !== undefined)
      request.upstreamSearch = withoutParameter(request.upstreamSearch, this.#query);
  }

  #inHeader({ request: { fields } }: Exchange, header: string): string | Absent | Refused {
    const value = fields.get(header);
    if (value === undefined) return ABSENT;
    // Which of two somebody else would read nobody knows.
    if (fields.repeats(header)) return REPEATED_TOKEN;
    if (!this.#isAuthorization) return value === '' ? ABSENT : value;
    if (!isBearer(value)) return ABSENT;
    let at = SCHEME.length;
    while (value.charCodeAt(at) === SPACE) at++;
    const token = value.slice(at);
    return token === '' || at === SCHEME.length ? MALFORMED_CREDENTIALS : token;
  }
}

/** Of two places. */
function onlyOne(
  first: string | Absent | Refused,
  second: string | Absent | Refused,
): string | Absent | Refused {
  if (second === ABSENT) return first;
  if (first === ABSENT) return second;
  return typeof first === 'object' ? first : REPEATED_TOKEN;
}

/** One that stands twice is two: a service may read the one that was not looked at. */
function inCookies({ request: { fields } }: Exchange, name: string): string | Absent | Refused {
  const field = fields.repeats('cookie') ? fields.getAll('cookie').join('; ') : fields.get('cookie');
  if (cookieValue(field, name) === undefined) return ABSENT;
  const values = cookieValues(field as string, name);
  if (values.length > 1) return REPEATED_TOKEN;
  return values[0] || ABSENT;
}

function inSearch({ request: { search } }: Exchange, name: string): string | Absent | Refused {
  const value = queryValue(search, name);
  if (value === undefined) return ABSENT;
  if (repeatsParameter(search, name)) return REPEATED_TOKEN;
  return value === '' ? ABSENT : decodePercent(value, true);
}

/** The scheme's letters may be of either case (RFC 9110 section 11.1). With a tab behind it is malformed, and others may read it so. */
function isBearer(value: string): boolean {
  if ((value.charCodeAt(0) | 0x20) !== 0x62) return false;
  const next = value.charCodeAt(SCHEME.length);
  const isEnd = next === SPACE || next === TAB || Number.isNaN(next);
  return isEnd && value.slice(0, SCHEME.length).toLowerCase() === SCHEME;
}

/** Whether a text may be a token at all. */
export function isToken68(text: string): boolean {
  return TOKEN68.test(text);
}
