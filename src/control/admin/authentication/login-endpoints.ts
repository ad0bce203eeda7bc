import { safeReturn } from '../../../identity/login/return-to.ts';
import { ProviderRefused } from '../../../identity/providers/provider.ts';
import { messageOf } from '../../../lib/message-of.ts';
import type { Account } from '../../rights/account.ts';
import { logInExternal } from '../../rights/store/external-users.ts';
import { beginSession, endSession } from '../../rights/store/sessions.ts';
import { type AdminAnswer, problem } from '../answer.ts';
import type { AdminRequest, Endpoint, GatewayControl, RightsControl } from '../endpoint.ts';
import type { AdminAuthentication } from './authentication.ts';
import { tooManyAttempts, unreachable } from './identify.ts';
import { LOGIN_PAGE_POLICY, loginPage } from './login-page.ts';
import { AdminCookie } from './session-cookie.ts';

const PAGE = { 200: { description: 'A page', types: ['text/html'] } };
const REDIRECT = {
  303: { description: 'Where it goes on', types: ['text/plain'], fields: ['Location', 'Set-Cookie'] },
} as const;

/** A login with what it needs. */
interface Visit {
  readonly gateway: GatewayControl;
  readonly rights: RightsControl;
  readonly authentication: AdminAuthentication;
  readonly request: AdminRequest;
}

/** How browsers log in and out. */
export const LOGIN_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/login',
    summary: 'The page of the login',
    access: 'public',
    answers: PAGE,
    answer: visiting((visit) => page(visit, 200, undefined)),
  },
  {
    method: 'POST',
    path: '/login',
    summary: 'Log in with a name and a password, as the page sends them',
    access: 'public',
    answers: REDIRECT,
    answer: visiting(passwordSent),
  },
  {
    method: 'GET',
    path: '/login/provider',
    summary: 'Log in with the identity provider',
    access: 'public',
    answers: REDIRECT,
    answer: visiting(providerAsked),
  },
  {
    method: 'GET',
    path: '/login/callback',
    summary: 'Where the identity provider sends the browser back to',
    access: 'public',
    answers: REDIRECT,
    answer: visiting(cameBack),
  },
  {
    method: 'POST',
    path: '/logout',
    summary: 'End the login of this browser',
    access: 'public',
    answers: REDIRECT,
    answer: visiting(loggedOut),
  },
];

function visiting(act: (visit: Visit) => AdminAnswer | Promise<AdminAnswer>): Endpoint['answer'] {
  return async (gateway, request) => {
    const { rights } = gateway;
    if (rights?.authentication === undefined)
      return problem(404, 'not_found', 'Nobody logs in here: admin.authentication is not set');
    try {
      return await act({ gateway, rights, authentication: rights.authentication, request });
    } catch (error) {
      gateway.warn(`admin: accounts cannot be reached: ${messageOf(error)}`);
      return unreachable();
    }
  };
}

async function passwordSent(visit: Visit): Promise<AdminAnswer> {
  const { authentication, request } = visit;
  if (!authentication.config.local) return problem(404, 'not_found', 'Nobody logs in with a password here');
  // Whoever logs others in as themselves sees what these do: only the own page sends this form.
  if (request.headers.origin === undefined && request.headers['sec-fetch-site'] === undefined)
    return problem(403, 'cross_site_request', 'A page of another site may not do this');
  if (request.contentType?.split(';', 1)[0]?.trim() !== 'application/x-www-form-urlencoded')
    return problem(415, 'media_type_unsupported', 'Send application/x-www-form-urlencoded');
  const form = new URLSearchParams(request.body);
  const name = form.get('name') ?? '';
  const password = form.get('password') ?? '';
  const returnTo = returnOf(request, form.get('return'));
  const verdict = await authentication.local.check(
    name.slice(0, 200),
    password.slice(0, 1024),
    request.place.address,
  );
  switch (verdict.kind) {
    case 'known':
      return loggedIn(visit, verdict.account, returnTo, []);
    case 'wrong':
      return page(visit, 401, 'There is no user with this name and password.', returnTo);
    case 'wait': {
      const { headers } = tooManyAttempts(verdict.waitMs);
      const answer = page(visit, 429, 'There were too many attempts: try again later.', returnTo);
      return { ...answer, headers: { ...answer.headers, ...headers } };
    }
  }
}

async function providerAsked(visit: Visit): Promise<AdminAnswer> {
  const { rights, request } = visit;
  if (rights.external === undefined) return noProvider();
  const returnTo = returnOf(request, request.query.get('return'));
  const { scheme, authority, address } = request.place;
  try {
    const external = await rights.external();
    const redirectUri = `${scheme}://${authority}/login/callback`;
    const { location, secret } = await external.begin(redirectUri, returnTo, address);
    return redirect(location, [AdminCookie.ofFlow().set(secret, request.place)]);
  } catch (error) {
    return failed(visit, error, returnTo);
  }
}

async function cameBack(visit: Visit): Promise<AdminAnswer> {
  const { rights, request } = visit;
  if (rights.external === undefined) return noProvider();
  const cookie = AdminCookie.ofFlow();
  const cleared = [cookie.clear(request.place)];
  try {
    const external = await rights.external();
    const secret = cookie.read(request.headers.cookie, request.place);
    const ended = await external.end(`?${request.query.toString()}`, secret);
    if (ended === undefined)
      return {
        ...page(visit, 400, 'This login was ended already, took too long, or was begun in another browser.'),
        cookies: cleared,
      };
    const account = await logInExternal(rights.store, ended.user, request.place.address);
    if (!account.ok)
      return { ...page(visit, 403, `You may not come in: ${account.message}.`), cookies: cleared };
    return await loggedIn(visit, account.result, ended.returnTo, cleared);
  } catch (error) {
    return { ...failed(visit, error, '/'), cookies: cleared };
  }
}

async function loggedOut({ rights, authentication, request }: Visit): Promise<AdminAnswer> {
  const cookie = AdminCookie.ofSession(authentication.config.lifetime);
  const session = cookie.read(request.headers.cookie, request.place);
  const account = session === undefined ? undefined : await authentication.sessionAccount(session);
  if (session !== undefined && account !== undefined)
    await endSession(rights.store, account, request.place.address, session);
  return redirect('/login', [cookie.clear(request.place)]);
}

async function loggedIn(
  { rights, authentication, request }: Visit,
  account: Account,
  returnTo: string,
  cookies: readonly string[],
): Promise<AdminAnswer> {
  const { idleTimeout: idleMs, lifetime: lifetimeMs } = authentication.config;
  const cookie = AdminCookie.ofSession(lifetimeMs);
  const before = cookie.read(request.headers.cookie, request.place);
  const { address } = request.place;
  const secret = await beginSession(rights.store, { account, address }, { idleMs, lifetimeMs }, before);
  return redirect(returnTo, [...cookies, cookie.set(secret, request.place)]);
}

/** What the provider said is for the log: it may say anything. */
function failed(visit: Visit, error: unknown, returnTo: string): AdminAnswer {
  visit.gateway.warn(`a login on the admin port failed: ${messageOf(error)}`);
  return error instanceof ProviderRefused
    ? page(visit, 403, 'The identity provider did not log you in.', returnTo)
    : page(visit, 503, 'The identity provider cannot be asked now.', returnTo);
}

function noProvider(): AdminAnswer {
  return problem(404, 'not_found', 'Nobody logs in with an identity provider here');
}

function page(
  { rights, authentication, request }: Visit,
  status: number,
  message: string | undefined,
  returnTo = returnOf(request, request.query.get('return')),
): AdminAnswer {
  const { local } = authentication.config;
  return {
    status,
    type: 'text/html; charset=utf-8',
    body: loginPage({ message, returnTo, local, external: rights.external !== undefined }),
    headers: {
      'content-security-policy': LOGIN_PAGE_POLICY,
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
    },
  };
}

/** A login leads to the admin port and nowhere else. */
function returnOf({ place }: AdminRequest, text: string | null): string {
  return (text?.startsWith('/') ? safeReturn(text, place, () => false) : undefined) ?? '/';
}

function redirect(location: string, cookies: readonly string[]): AdminAnswer {
  return { status: 303, type: 'text/plain; charset=utf-8', body: '', headers: { location }, cookies };
}
