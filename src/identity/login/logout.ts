import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { escapeHtml } from '../../lib/html.ts';
import { sha256 } from '../../lib/sha256.ts';
import { newSecret } from '../sessions/cookie-secret.ts';
import { gatewayTokenOf } from '../sessions/gateway-token.ts';
import type { SentToken } from '../sessions/sent-token.ts';
import type { Grant, Session } from '../sessions/session.ts';
import { FLOW_TTL_MS } from './flow-cookies.ts';
import { empty, type LocalAnswer, page, problem, redirectTo, withCookies } from './local-answer.ts';
import { refuseRedirect } from './login.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';

const chainShape = z.object({ urls: z.array(z.string()), returnTo: z.string() });
/** Pages of providers that the browser has yet to visit, and where it goes then. */
type Chain = Readonly<Record<'urls', readonly string[]>> & Pick<z.output<typeof chainShape>, 'returnTo'>;

/**
 * GET and POST /logout: ends the session, revokes its tokens and visits the logout of providers, as `logout` of the sessions says. A POST must
 * come from a page that may send it; a GET that another site may have caused asks first.
 */
export async function logout(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const token = visit.request.method === 'POST' ? bearerOf(place, visit) : undefined;
  if (token !== undefined) return endByToken(place, visit, token);
  const returnTo = place.returnTo(visit);
  if (returnTo === undefined) return refuseRedirect(place, visit);
  if (!place.isOwn(visit) || !isMeant(visit)) {
    if (visit.request.method === 'POST' || !visit.isNavigation)
      return problem(403, 'csrf_rejected', 'The request was sent by a page that may not send it.');
    return askFirst(place, returnTo);
  }
  const session = await place.session(visit);
  const cookies = [place.sessions.cookie.clear(visit.request)];
  const urls = session === undefined ? [] : await end(place, visit, session);
  // A script would follow a redirect, and get a page that it did not ask for.
  if (!visit.isNavigation) return withCookies(empty(204), cookies);
  return withCookies(await visitNext(place, visit, { urls, returnTo }), cookies);
}

/** The token of a device or a user. Not as a password: browsers send those by themselves. */
function bearerOf({ sessions }: LoginPlace, { request }: Visit): SentToken | undefined {
  const sent = gatewayTokenOf(request.fields, sessions.config);
  return sent?.scheme === 'bearer' ? sent : undefined;
}

/** Whoever has a token can end it. What its cookies say is another matter. */
async function endByToken(place: LoginPlace, visit: Visit, sent: SentToken): Promise<LocalAnswer> {
  const session = await place.tokenSession(sent);
  if (session === undefined) return place.wrongToken(visit, sent);
  await end(place, visit, session);
  return empty(204);
}

/** Returns the pages of providers that the browser has yet to visit. */
async function end(place: LoginPlace, visit: Visit, session: Session): Promise<readonly string[]> {
  const { urls, revocations } = await prepare(place, visit, session);
  await place.sessions.destroy(session);
  await Promise.all(revocations.map((revocation) => revocation()));
  return urls;
}

/** GET /logout/done: back from the logout of a provider (OpenID Connect RP-Initiated Logout section 3). */
export async function logoutDone(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const state = visit.query.get('state') ?? '';
  const { request } = visit;
  const secret = /^[A-Za-z0-9_-]{43}$/.test(state) ? place.flowCookies.read(state, request) : undefined;
  if (secret === undefined) return redirectTo('/');
  const key = chainKey(state);
  const record = await place.records.take(key);
  const text = record === undefined ? undefined : place.sessions.ring.open(record, secret.octets, key);
  const made =
    text === undefined ? redirectTo('/') : await visitNext(place, visit, chainShape.parse(JSON.parse(text)));
  return withCookies(made, [place.flowCookies.clear(state, request)]);
}

/**
 * A page of the same origin shows pictures and frames of others' choosing, and browsers read ahead what may be asked for (Fetch section 3.7): those
 * are no wish of the user.
 */
function isMeant({ request }: Visit): boolean {
  if (request.method === 'POST') return true;
  if (request.fields.has('sec-purpose')) return false;
  const destination = request.fields.get('sec-fetch-dest');
  return destination === undefined || destination === 'document' || destination === 'empty';
}

function askFirst(place: LoginPlace, returnTo: string): LocalAnswer {
  const action = `${place.path}/logout?${new URLSearchParams({ redirect: returnTo }).toString()}`;
  return page({
    title: 'Sign out',
    text: 'Do you want to sign out?',
    html: `<form method="post" action="${escapeHtml(action)}"><button>Sign out</button></form>`,
    links: [{ text: 'Stay signed in', href: '/' }],
  });
}

/** What has to be known of the grants before they are gone. A provider that cannot be asked does not keep anybody signed in here. */
async function prepare(
  place: LoginPlace,
  visit: Visit,
  session: Session,
): Promise<{ readonly urls: string[]; readonly revocations: (() => Promise<void>)[] }> {
  const { config, grants } = place.sessions;
  const urls: string[] = [];
  const revocations: (() => Promise<void>)[] = [];
  for (const name of place.sessions.providers) {
    const wantsPage = config.logout.providers.includes(name);
    if (!wantsPage && !config.logout.revoke) continue;
    const grant = (await grants.read(session, name))?.value;
    if (grant === undefined) continue;
    if (config.logout.revoke) revocations.push(() => revoke(place, name, grant));
    const url = wantsPage ? await logoutUrl(place, visit, name, grant) : undefined;
    if (url !== undefined) urls.push(url);
  }
  return { urls, revocations };
}

async function logoutUrl(
  place: LoginPlace,
  visit: Visit,
  name: string,
  grant: Grant,
): Promise<string | undefined> {
  try {
    return await place.provider(name).logoutUrl?.(grant, `${visit.origin}${place.path}/logout/done`);
  } catch (error) {
    place.identity.place.log('warn', `the logout of ${name} cannot be visited`, error);
    return undefined;
  }
}

async function revoke(place: LoginPlace, name: string, grant: Grant): Promise<void> {
  try {
    await place.provider(name).revoke?.(grant);
  } catch (error) {
    place.identity.place.log('warn', `${name} did not revoke the tokens of a session that ended`, error);
  }
}

async function visitNext(place: LoginPlace, visit: Visit, { urls, returnTo }: Chain): Promise<LocalAnswer> {
  const [next, ...rest] = urls;
  if (next === undefined) return redirectTo(returnTo);
  const { request } = visit;
  const state = randomBytes(32).toString('base64url');
  const secret = newSecret();
  const key = chainKey(state);
  const text = place.sessions.ring.seal(JSON.stringify({ urls: rest, returnTo }), secret.octets, key);
  await place.records.create(key, text, FLOW_TTL_MS);
  const url = new URL(next);
  url.searchParams.set('state', state);
  return redirectTo(url.href, place.flowCookies.set(state, secret, request));
}

/** Tells nothing of the state. */
function chainKey(state: string): string {
  return `o:${sha256(state)}`;
}
