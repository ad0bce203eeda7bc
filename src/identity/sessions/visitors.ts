import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Fields } from '../../http/fields.ts';
import { type Principal, visitorPrincipal } from '../../policy/principal.ts';
import type { SessionConfig } from './schema.ts';
import { type CookiePlace, SessionCookie } from './session-cookie.ts';

/** A visitor who is not logged in. */
export interface Visitor {
  readonly principal: Principal;
  /** For the answer where the name is a new one. */
  readonly setCookie: string | undefined;
}

interface VisitorRequest extends CookiePlace {
  readonly fields: Fields;
}

/** Follows the name of the session's cookie. */
export const VISITOR_COOKIE = '-visitor';
const ID_BYTES = 16;
const TEXT = /^v1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
const MAX_AGE_MS = 365 * 86_400_000;
const MAX_CACHED = 10_000;

/** Names of visitors who are not logged in, which stay the same: a random one in a cookie that is signed, so that nobody makes up their own. */
export class Visitors {
  readonly cookie: SessionCookie;
  readonly #keys: readonly string[];
  /** Principals of cookies that were verified. */
  readonly #known = new Map<string, Principal>();

  constructor({ cookie, keys }: SessionConfig) {
    this.cookie = new SessionCookie(cookie.name + VISITOR_COOKIE, cookie.sameSite, MAX_AGE_MS);
    this.#keys = keys;
  }

  of(request: VisitorRequest): Visitor {
    const text = this.cookie.read(request.fields, request);
    const known = typeof text === 'string' ? (this.#known.get(text) ?? this.#verified(text)) : undefined;
    if (known !== undefined) return { principal: known, setCookie: undefined };
    const id = randomBytes(ID_BYTES).toString('base64url');
    const value = `v1.${id}.${signature(id, this.#keys[0] ?? '').toString('base64url')}`;
    return { principal: visitorPrincipal(`anonymous:${id}`), setCookie: this.cookie.set(value, request) };
  }

  #verified(text: string): Principal | undefined {
    const match = TEXT.exec(text);
    if (match === null) return undefined;
    const [, id = '', sent = ''] = match;
    const octets = Buffer.from(sent, 'base64url');
    // Each key is tried: an old one signed what is a year old.
    const isOurs = this.#keys.map((key) => timingSafeEqual(signature(id, key), octets)).includes(true);
    if (!isOurs) return undefined;
    const principal = visitorPrincipal(`anonymous:${id}`);
    if (this.#known.size >= MAX_CACHED) this.#known.clear();
    this.#known.set(text, principal);
    return principal;
  }
}

function signature(id: string, key: string): Buffer {
  return createHmac('sha256', key).update(`portcullis visitor ${id}`).digest();
}
