import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../../lib/message-of.ts';
import type { EntitiesInForce } from '../../rights/allow-changes.ts';
import { type AdminCaller, callerOf } from '../access.ts';
import { type AdminAnswer, problem } from '../answer.ts';
import type { GatewayControl, RequestPlace } from '../endpoint.ts';
import type { AdminAuthentication, Known } from './authentication.ts';
import { AdminCookie } from './session-cookie.ts';

/** Who sent a request, or what whoever it is is answered. */
export type Identified =
  | { readonly ok: true; readonly caller: AdminCaller }
  | { readonly ok: false; readonly answer: AdminAnswer };

/** Both ways, so that programs and people are asked for what they have (RFC 6750 section 3, RFC 7617 section 2). */
const CHALLENGES = 'Bearer realm="portcullis", Basic realm="portcullis", charset="UTF-8"';

/** What is in force, for the rights of whoever calls. */
export function entitiesIn(gateway: Pick<GatewayControl, 'configuration'>): EntitiesInForce {
  return {
    get: (collection, name) => gateway.configuration()?.get(collection, name)?.value,
    values: (collection) =>
      (gateway.configuration()?.list(collection) ?? []).map(({ name, value }) => [name, value] as const),
  };
}

/** Who sends a request. */
export async function identify(
  gateway: Pick<GatewayControl, 'configuration' | 'warn'>,
  authentication: AdminAuthentication,
  request: IncomingMessage,
  place: RequestPlace,
): Promise<Identified> {
  const { headers, method } = request;
  const cookie = AdminCookie.ofSession(authentication.config.lifetime);
  let known: Known;
  try {
    known = await authentication.identify({
      authorization: headers.authorization,
      session: cookie.read(headers.cookie, place),
      address: place.address,
    });
  } catch (error) {
    gateway.warn(`admin: accounts cannot be reached: ${messageOf(error)}`);
    return { ok: false, answer: unreachable() };
  }
  switch (known.kind) {
    case 'known':
      // A form of another site sends the cookie along; that it says where it is from is what tells it apart.
      if (known.byCookie && !isSafe(method) && !saysWhereFrom(request))
        return {
          ok: false,
          answer: problem(403, 'cross_site_request', 'A page of another site may not do this'),
        };
      return { ok: true, caller: callerOf(known.account, place.address, entitiesIn(gateway)) };
    case 'nobody':
      return {
        ok: false,
        answer: wantsPage(request) ? toLogin(request) : refused('unauthenticated', 'Log in, or send a token'),
      };
    case 'refused':
      return {
        ok: false,
        answer: refused(
          'invalid_credentials',
          'There is no account with this name and password, or this token',
        ),
      };
    case 'wait':
      return { ok: false, answer: tooManyAttempts(known.waitMs) };
  }
}

/** 503: who somebody is cannot be known now. */
export function unreachable(): AdminAnswer {
  return problem(503, 'store_unavailable', 'The store does not answer', {}, { 'retry-after': '5' });
}

export function tooManyAttempts(waitMs: number): AdminAnswer {
  return problem(
    429,
    'too_many_attempts',
    'There were too many attempts to log in: try again later',
    {},
    { 'retry-after': String(Math.ceil(waitMs / 1000)) },
  );
}

function refused(code: string, title: string): AdminAnswer {
  return problem(401, code, title, {}, { 'www-authenticate': CHALLENGES });
}

function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

function saysWhereFrom({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
}

/** Whether a browser opens it for a person. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && (headers.accept ?? '').includes('text/html');
}

function toLogin({ url = '/' }: IncomingMessage): AdminAnswer {
  return {
    status: 303,
    type: 'text/plain; charset=utf-8',
    body: '',
    headers: { location: `/login?return=${encodeURIComponent(url)}` },
  };
}
