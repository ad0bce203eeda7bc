import { type LocalAnswer, redirectTo, withCookies } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';
import { comeBack } from './walk.ts';

const MAX_STATE_LENGTH = 100;

/** GET /callback and /callback/{provider}: the browser is back (RFC 6749 section 4.1.2). */
export async function callback(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const { request, query } = visit;
  const state = query.get('state') ?? '';
  const isWhole = state !== '' && state.length <= MAX_STATE_LENGTH && query.getAll('state').length === 1;
  const secret = isWhole ? place.flowCookies.read(state, request) : undefined;
  const flow = secret === undefined ? undefined : await place.flows.take(state, secret);
  // A page that was loaded anew, or gone back to: what it was for has been done.
  if (flow === undefined && visit.isNavigation && (await place.browserSession(visit)) !== undefined)
    return redirectTo('/');
  if (flow === undefined)
    return place.refuse(
      visit,
      400,
      'login_invalid',
      'It was ended already, took too long, or was begun in another browser.',
      [{ text: 'Sign in', href: `${place.path}/login` }],
    );
  return withCookies(await comeBack(place, visit, flow, state), [place.flowCookies.clear(state, request)]);
}
