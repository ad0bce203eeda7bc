import { cookieValues } from '../../../http/cookie.ts';
import { ADMIN_COOKIE, ADMIN_FLOW_COOKIE, SessionCookie } from '../../../identity/sessions/session-cookie.ts';
import type { RequestPlace } from '../endpoint.ts';
import { FLOW_TTL_MS } from './flow-time.ts';

/** What a secret of ours looks like. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** The cookie of a login on the admin port, and the one of a way to an identity provider and back. */
export class AdminCookie {
  readonly #cookie: SessionCookie;

  private constructor(name: string, lifetimeMs: number) {
    // Not strict: coming back from an identity provider would seem to be without it.
    this.#cookie = new SessionCookie(name, 'lax', lifetimeMs);
  }

  static ofSession(lifetimeMs: number): AdminCookie {
    return new AdminCookie(ADMIN_COOKIE, lifetimeMs);
  }

  static ofFlow(): AdminCookie {
    return new AdminCookie(ADMIN_FLOW_COOKIE, FLOW_TTL_MS);
  }

  /** Undefined where there is none, or one that was not set here, or two: which of them was nobody can tell. */
  read(field: string | undefined, place: RequestPlace): string | undefined {
    const values = new Set(cookieValues(field ?? '', this.#cookie.nameAt(cookiePlace(place))));
    const [value] = values;
    return values.size === 1 && value !== undefined && SECRET.test(value) ? value : undefined;
  }

  set(value: string, place: RequestPlace): string {
    return this.#cookie.set(value, cookiePlace(place));
  }

  clear(place: RequestPlace): string {
    return this.#cookie.clear(cookiePlace(place));
  }
}

function cookiePlace({ scheme, authority }: RequestPlace) {
  return { scheme, host: authority.replace(/:\d+$/, '').toLowerCase() };
}
