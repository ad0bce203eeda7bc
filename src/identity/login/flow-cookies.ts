import { sha256 } from '../../lib/sha256.ts';
import type { RequestView } from '../../policy/contract.ts';
import { type CookieSecret, readSecret } from '../sessions/cookie-secret.ts';
import { FLOW_COOKIE, SessionCookie } from '../sessions/session-cookie.ts';

/** How long a user may be away at a provider. */
export const FLOW_TTL_MS = 600_000;
/** Of one browser: a head with more of them would grow too large. */
const MAX_FLOWS = 10;

/**
 * The cookies that bind ways to providers to the browser that began them: one for each way, named after its state, so that tabs do not take
 * each other's. They come along from other sites, whatever the cookie of the session does.
 */
export class FlowCookies {
  readonly #name: string;

  constructor(sessionCookie: string) {
    this.#name = sessionCookie + FLOW_COOKIE;
  }

  /** What the browser has for this state; undefined where that is nothing that was set here. */
  read(state: string, request: RequestView): CookieSecret | undefined {
    const value = this.#cookieOf(state).read(request.fields, request);
    return typeof value === 'string' ? readSecret(value) : undefined;
  }

  /** Values of Set-Cookie: that of this state, and what takes the oldest of too many from the browser. */
  set(state: string, secret: CookieSecret, request: RequestView): readonly string[] {
    const cookie = this.#cookieOf(state);
    const prefix = this.#cookie('').nameAt(request);
    const sent = request.fields.getAll('cookie').join('; ').split(/; */);
    const others = sent
      .filter((pair) => pair.startsWith(prefix))
      .map((pair) => pair.slice(prefix.length, pair.indexOf('=')));
    // Browsers send those first that were made first (RFC 6265 section 5.4).
    const surplus = others
      .slice(0, Math.max(0, others.length - MAX_FLOWS + 1))
      .filter((rest) => /^[\w-]{8}$/.test(rest));
    return [...surplus.map((rest) => this.#cookie(rest).clear(request)), cookie.set(secret.text, request)];
  }

  clear(state: string, request: RequestView): string {
    return this.#cookieOf(state).clear(request);
  }

  #cookieOf(state: string): SessionCookie {
    return this.#cookie(sha256(state).slice(0, 8));
  }

  #cookie(rest: string): SessionCookie {
    return new SessionCookie(this.#name + rest, 'lax', FLOW_TTL_MS);
  }
}
