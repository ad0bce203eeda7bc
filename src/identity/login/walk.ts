import { ProviderRefused } from '../providers/provider.ts';
import { readSecret, sessionIdOf } from '../sessions/cookie-secret.ts';
import type { Login, Session } from '../sessions/session.ts';
import { isLocal } from '../sessions/session-cookie.ts';
import { callbackPath } from './callback-address.ts';
import { deviceDone, settleDevice } from './device-outcome.ts';
import { type Flow, type FlowStep, loginFlow } from './flows.ts';
import { goOnByPage, type LocalAnswer, redirectTo, withCookies } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';

/** Which providers a browser is to be sent to, and where it goes when it has been at all of them. */
export interface Way {
  readonly providers: readonly string[];
  readonly returnTo: string;
  /** Gets the grants; none: the first provider says who the user is, and the session begins there. */
  readonly session?: Session | undefined;
  /** Ends when another begins. On the way back from another site a cookie that is `SameSite=Strict` does not tell of it. */
  readonly replaces?: Session | undefined;
  /** OpenID Connect Core section 3.1.2.1, for each of the providers. */
  readonly prompt?: string | undefined;
  /** The device whose session it is to be: see device.ts. */
  readonly device?: Flow['device'];
}

const WANTS_USER: ReadonlySet<string> = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);

/** Sends the browser to the first provider of the way, or to its end. */
export async function goOn(
  place: LoginPlace,
  visit: Visit,
  way: Way,
  cookies: readonly string[] = [],
): Promise<LocalAnswer> {
  const [provider, ...rest] = way.providers;
  if (provider === undefined) return arrive(place, way, cookies);
  const { request } = visit;
  if (request.scheme === 'http' && !isLocal(request)) return place.refuseInsecure(visit);
  const { session, replaces, returnTo, prompt, device } = way;
  try {
    const step: FlowStep = {
      provider,
      rest,
      returnTo,
      by: place.begun.by(visit.clientAddress),
      redirectUri: visit.origin + (await callbackPath(place, place.provider(provider))),
      ...(session && { session: keyOf(session) }),
      ...(replaces && { replaces: keyOf(replaces) }),
      ...(prompt !== undefined && { prompt }),
      ...(device !== undefined && { device }),
    };
    const { flow, secret } = await place.flows.begin(step);
    const location = await place.provider(provider).authorizationUrl(flow);
    return redirectTo(location, [...cookies, ...place.flowCookies.set(flow.state, secret, request)]);
  } catch (error) {
    return withCookies(place.refuseFailure(visit, error, provider, retryOf(place, way)), cookies);
  }
}

/** The browser came back from a provider: what it got there becomes a session or a part of one, and it goes on. */
export async function comeBack(
  place: LoginPlace,
  visit: Visit,
  flow: Flow,
  state: string,
): Promise<LocalAnswer> {
  const provider = place.provider(flow.provider);
  let login: Login;
  const session = await sessionOf(place, flow.session);
  const way: Way = {
    providers: flow.rest,
    returnTo: flow.returnTo,
    session,
    prompt: flow.prompt,
    device: flow.device,
  };
  try {
    // RFC 9700 section 4.4.2.2: before anything is sent to the provider of the flow.
    if (new URL(flow.redirectUri).pathname !== visit.request.path)
      throw new ProviderRefused('invalid_response', 'the answer came to the address of another provider');
    const tokens = await provider.redeem(visit.request.search, loginFlow(flow, state));
    login = { provider: flow.provider, tokens, user: await provider.user(tokens) };
  } catch (error) {
    // Nobody was to be asked anything, and without that nobody can be let in (OpenID Connect Core section 3.1.2.6).
    if (flow.prompt === 'none' && error instanceof ProviderRefused && WANTS_USER.has(error.code))
      return redirectTo(flow.returnTo);
    if (flow.device !== undefined) {
      await settleDevice(place, flow.device.id, 'denied');
      // Nobody will ever have its secret.
      if (session !== undefined) await place.sessions.destroy(session);
    }
    return place.refuseFailure(visit, error, flow.provider, retryOf(place, way));
  }
  if (flow.session !== undefined) {
    if (session !== undefined && isOtherUser(session, login))
      return place.refuse(
        visit,
        403,
        'other_user',
        `At ${flow.provider} somebody else is signed in than here. Sign out here first.`,
        [{ text: 'Sign out', href: `${place.path}/logout` }],
      );
    if (session === undefined || !(await place.sessions.putGrant(session, login)))
      return place.refuse(visit, 400, 'login_invalid', 'The session has ended meanwhile.', [
        { text: 'Sign in again', href: retryOf(place, { ...way, session: undefined }) },
      ]);
    return goOn(place, visit, way);
  }
  if (flow.device !== undefined) {
    const secret = readSecret(flow.device.secret);
    if (secret === undefined) throw new Error('the secret of a device is none');
    const id = sessionIdOf(secret, place.sessions.name);
    return goOn(place, visit, { ...way, session: await place.sessions.createFor(login, secret.octets, id) });
  }
  const before = (await place.session(visit)) ?? (await sessionOf(place, flow.replaces));
  const created = await place.sessions.create(login, visit.request, before);
  return goOn(place, visit, { ...way, session: created.session }, [created.setCookie]);
}

/** Back to where the user was. */
async function arrive(
  place: LoginPlace,
  { returnTo, device }: Way,
  cookies: readonly string[],
): Promise<LocalAnswer> {
  if (device !== undefined) {
    await settleDevice(place, device.id, 'allowed');
    return deviceDone();
  }
  const isStrict = place.sessions.config.cookie.sameSite === 'strict';
  return isStrict ? goOnByPage(returnTo, cookies) : redirectTo(returnTo, cookies);
}

/** Who a session is of is what its first provider says: a grant of that provider of another user does not belong there. */
function isOtherUser({ user }: Session, login: Login): boolean {
  return login.provider === user.provider && login.user.subject !== user.subject;
}

/** A session that a flow was begun for or is to end, if it is still there. */
async function sessionOf(place: LoginPlace, session: Flow['session']): Promise<Session | undefined> {
  if (session === undefined) return undefined;
  const loaded = await place.sessions.load(session.id, Buffer.from(session.secret, 'base64url'));
  return loaded?.value;
}

function keyOf({ id, secret }: Session): NonNullable<Flow['session']> {
  return { id, secret: secret.toString('base64url') };
}

/** Begins the login anew, or what is left of it; that of a device with its code. */
function retryOf(place: LoginPlace, { returnTo, device }: Way): string {
  if (device !== undefined) return `${place.path}/device`;
  return `${place.path}/login?${new URLSearchParams({ redirect: returnTo }).toString()}`;
}
