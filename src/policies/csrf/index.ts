import { type Answer, definePolicy, type Exchange, type PolicyHooks } from '../../policy/contract.ts';
import { AllowedOrigins } from '../cors/origins.ts';
import { isOwnOrigin, originOfUrl } from './own-origin.ts';
import { type CsrfOptions, csrfSchema } from './schema.ts';

export const csrfPolicy = definePolicy({
  name: 'csrf',
  stage: 'validation',
  unique: true,
  schema: csrfSchema,
  create: (options) => new Csrf(options),
});

const CODE = 'csrf_rejected';
const OTHER_SITE: Answer = {
  status: 403,
  code: CODE,
  detail: 'The request was sent by a page that may not send it.',
};
const UNKNOWN_SITE: Answer = {
  status: 403,
  code: CODE,
  detail: 'The request has cookies and tells by no field, such as Origin, which page sent it.',
};

/** Methods whose credentials a browser does not add on its own; their policies may have taken them off by now. */
const NOT_AMBIENT: ReadonlySet<string> = new Set(['jwt', 'introspection', 'signature']);

class Csrf implements PolicyHooks {
  readonly #origins: AllowedOrigins;
  readonly #sameSite: boolean;
  readonly #missing: Answer | undefined;

  constructor({ origins, sameSite, missing }: CsrfOptions) {
    this.#origins = new AllowedOrigins(origins);
    this.#sameSite = sameSite;
    this.#missing = missing === 'allow' ? undefined : UNKNOWN_SITE;
  }

  onRequest({ request, principal }: Exchange): Answer | undefined {
    const { fields } = request;
    if (!fields.has('cookie')) return undefined;
    // A WebSocket begins with a GET, is not held to one origin by browsers, and may do anything once it is open (RFC 6455 section 10.2).
    if (isSafe(request.method) && !fields.has('sec-websocket-key')) return undefined;
    if (principal !== undefined && NOT_AMBIENT.has(principal.method)) return undefined;
    if (hasBearerToken(fields.get('authorization'))) return undefined;
    const site = fields.get('sec-fetch-site');
    // Fetch Metadata section 2.3: a page cannot set the field itself. `none`: the user began it, as by a bookmark.
    if (site === 'same-origin' || site === 'none') return undefined;
    const origin = fields.get('origin');
    if (site !== undefined) {
      // Not the own origin either: that of a request which another site redirected here would be.
      if (site === 'same-site' && this.#sameSite) return undefined;
      return origin !== undefined && this.#origins.has(origin) ? undefined : OTHER_SITE;
    }
    const from = origin ?? originOfReferer(fields.get('referer'));
    if (from === undefined) return this.#missing;
    const allowed = isOwnOrigin(from, request.scheme, request.authority) || this.#origins.has(from);
    return allowed ? undefined : OTHER_SITE;
  }
}

/** RFC 9110 section 9.2.1 */
function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}

/** A browser adds no such token on its own, as it does a cookie; a page of another origin would first have to ask (CORS). */
function hasBearerToken(authorization: string | undefined): boolean {
  return authorization !== undefined && authorization.slice(0, 7).toLowerCase() === 'bearer ';
}

/** Undefined where there is no Referer; one that is no URL is no origin, so that nothing allows it. */
function originOfReferer(referer: string | undefined): string | undefined {
  return referer === undefined || referer === '' ? undefined : (originOfUrl(referer) ?? 'null');
}
