import { gatewayTokenOf } from '../sessions/gateway-token.ts';
import type { LocalAnswer } from './local-answer.ts';
import { json } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';

/** GET /user: who is signed in and at which providers; no token. */
export async function user(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  if (!mayAsk(place, visit)) return place.unauthenticated(visit);
  const sent = gatewayTokenOf(visit.request.fields, place.sessions.config);
  const session = sent === undefined ? await place.session(visit) : await place.tokenSession(sent);
  if (session === undefined)
    return sent === undefined ? place.unauthenticated(visit) : place.wrongToken(visit, sent);
  return json(await place.sessions.describe(session));
}

/** Lets pages of allowed origins read an answer, and asks nobody else (Fetch section 3.3). */
export function corsFields({ origins }: LoginPlace, { request }: Visit): Record<string, string> {
  const origin = request.fields.get('origin');
  if (origin === undefined || !origins.has(origin)) return { Vary: 'Origin' };
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Methods': 'GET, POST, DELETE',
    'Access-Control-Allow-Headers': 'Content-Type',
  };
}

/** A cookie counts for pages of the own origin, of allowed ones, and for what is no page. */
export function mayAsk(place: LoginPlace, visit: Visit): boolean {
  const { fields } = visit.request;
  return place.isOwn(visit) || (!fields.has('origin') && !fields.has('sec-fetch-site'));
}
