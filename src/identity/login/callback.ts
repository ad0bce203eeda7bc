import type { LocalAnswer } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';
import { comeBack } from './walk.ts';

const MAX_STATE_LENGTH = 100;

/** GET /callback: where providers send browsers back to (RFC 6749 section 4.1.2). */
export async function callback(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const { request, query } = visit;
  const state = query.get('state');
  const cookie = place.flowCookie.read(request.fields, request);
  const isWhole = state !== null && state.length <= MAX_STATE_LENGTH && query.getAll('state').length === 1;
  const flow = isWhole && typeof cookie === 'string' ? await place.flows.take(state, cookie) : undefined;
  if (flow === undefined || state === null)
    return place.refuse(
      visit,
      400,
      'login_invalid',
      'It was ended already, took too long, or was begun in another browser.',
      [{ text: 'Sign in', href: `${place.path}/login` }],
    );
  return comeBack(place, visit, flow, state);
}
