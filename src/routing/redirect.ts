import { compileRewrite } from './rewrite.ts';
import type { RouteConfig } from './schema.ts';

/** What of a request goes into `Location`. */
export interface RedirectedRequest {
  readonly scheme: 'http' | 'https';
  /** Host with its port, if it had one; empty for an HTTP/1.0 request without Host. */
  readonly authority: string;
  /** Host without port. */
  readonly host: string;
  readonly path: string;
  /** With its leading `?`, or empty. */
  readonly search: string;
}

/** The value of `Location` (RFC 9110 section 10.2.2). `captures` are those of the match. */
export type Redirect = (request: RedirectedRequest, captures: readonly string[]) => string | undefined;

/**
 * Compiles a route's `redirect` for one entry of the router. What it does not give is kept from the request; the query always is.
 * A port that is not given is kept too, unless a scheme is given: then it is the scheme's own. A request without a host is
 * answered with a path alone, unless the redirect names a host; where it gives another scheme or port there is nowhere to send it, and
 * undefined says so: a path alone would lead back here.
 * Throws an Error for a path that `checkRoutes` refuses.
 */
export function compileRedirect(
  config: NonNullable<RouteConfig['redirect']>,
  entryCaptureNames: readonly string[],
): Redirect {
  const rewrite = config.path === undefined ? undefined : compileRewrite(config.path, entryCaptureNames);
  return (request, captures) => {
    // RFC 9112 section 3.2.4: an address without a path is what OPTIONS asks with `*`.
    const kept = request.path === '*' ? '' : request.path;
    const path = (rewrite === undefined ? kept : rewrite(captures)) + request.search;
    const host = config.host ?? request.host;
    if (host === '') return config.scheme === undefined && config.port === undefined ? path : undefined;
    const scheme = config.scheme ?? request.scheme;
    const port = config.port === undefined ? keptPort(config.scheme, request) : portText(config.port, scheme);
    return `${scheme}://${host}${port}${path}`;
  };
}

function keptPort(scheme: string | undefined, request: RedirectedRequest): string {
  if (scheme !== undefined) return '';
  const text = request.authority.slice(request.host.length);
  return text.length > 1 ? portText(Number(text.slice(1)), request.scheme) : '';
}

/** The port that a scheme implies is left out (RFC 3986 section 3.2.3). */
function portText(port: number, scheme: 'http' | 'https'): string {
  return port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`;
}
