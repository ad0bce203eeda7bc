import { empty, type LocalAnswer, problem, redirectTo } from './local-answer.ts';
import { refuseRedirect } from './login.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';

/** POST /disconnect/{provider}: the session has no grant of that provider any more; its tokens are revoked where the sessions say so. */
export async function disconnect(place: LoginPlace, visit: Visit, provider: string): Promise<LocalAnswer> {
  if (!place.isOwn(visit))
    return problem(403, 'csrf_rejected', 'The request was sent by a page that may not send it.');
  const returnTo = place.returnTo(visit);
  if (returnTo === undefined) return refuseRedirect(place, visit);
  const { sessions } = place;
  if (!sessions.providers.includes(provider)) return problem(404, 'not_found', 'There is no such provider.');
  const session = await place.session(visit);
  if (session === undefined) return place.unauthenticated(visit);
  const grant = (await sessions.grants.read(session, provider))?.value;
  await sessions.dropGrant(session, provider);
  if (grant !== undefined && sessions.config.logout.revoke) {
    try {
      await place.provider(provider).revoke?.(grant);
    } catch (error) {
      place.identity.place.log('warn', `${provider} did not revoke the tokens of a session`, error);
    }
  }
  return visit.isNavigation ? redirectTo(returnTo) : empty(204);
}
