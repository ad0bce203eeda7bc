import { parseDuration } from '../../lib/units.ts';
import type { Session } from '../sessions/session.ts';
import { empty, json, type LocalAnswer, problem } from './local-answer.ts';
import { refuseRedirect } from './login.ts';
import type { LoginPlace } from './login-place.ts';
import { mayAsk } from './user.ts';
import type { Visit } from './visit.ts';
import { goOn } from './walk.ts';

/** What a page shows in a line: nothing that is no character. */
const NAME = /^[^\p{C}]{1,100}$/u;

/** What a user wants a token for. */
interface Wish {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly lifetimeMs: number;
  /** Providers that it is to have grants of. */
  readonly grants: readonly string[];
}

/** GET /tokens: the personal access tokens of the user, without what makes them work. */
export async function listTokens(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  if (place.sessions.config.tokens === undefined) return noTokens();
  const session = mayAsk(place, visit) ? await place.browserSession(visit) : undefined;
  if (session === undefined) return place.unauthenticated(visit);
  return json({ tokens: await place.sessions.personalTokens.list(session.user) });
}

/**
 * POST /tokens: makes one, and shows it this once. With `grants` the answer says where the browser has to go, so that the token gets grants of its
 * own: those of the browser's session are renewed by that session alone, as a refresh token may be redeemed once.
 */
export async function createToken(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const { tokens } = place.sessions.config;
  if (tokens === undefined) return noTokens();
  const session = await ownSession(place, visit);
  if ('answer' in session) return session;
  const returnTo = place.returnTo(visit);
  if (returnTo === undefined) return refuseRedirect(place, visit);
  const wish = readWish(place, visit);
  if ('answer' in wish) return wish;
  const { name, scopes, lifetimeMs, grants } = wish;
  const made = await place.sessions.personalTokens.create(session.user, { name, scopes }, lifetimeMs);
  if (made === undefined)
    return problem(409, 'too_many_tokens', `Nobody has more than ${tokens.max} tokens: delete one first.`);
  const shown = { ...made.description, token: made.text };
  if (grants.length === 0) return json(shown, 201);
  const opened = (await place.sessions.load(made.id, made.secret))?.value;
  if (opened === undefined) return problem(409, 'token_revoked', 'The token was deleted meanwhile.');
  const way = await goOn(place, visit, { providers: grants, returnTo, session: opened });
  const connect = way.answer.headers?.['Location'];
  if (connect === undefined) {
    await place.sessions.destroy(opened);
    return way;
  }
  return { ...json({ ...shown, connect }, 201), cookies: way.cookies ?? [] };
}

/** DELETE /tokens/{id}: no node takes it any more. */
export async function deleteToken(place: LoginPlace, visit: Visit, id: string): Promise<LocalAnswer> {
  if (place.sessions.config.tokens === undefined) return noTokens();
  const session = await ownSession(place, visit);
  if ('answer' in session) return session;
  const wasThere = await place.sessions.personalTokens.revoke(session.user, id);
  return wasThere ? empty(204) : problem(404, 'not_found', 'There is no such token.');
}

/** The session of the cookie, where a page sent it that may: a token is not to make others that live longer. */
async function ownSession(place: LoginPlace, visit: Visit): Promise<Session | LocalAnswer> {
  if (!place.isOwn(visit))
    return problem(403, 'csrf_rejected', 'The request was sent by a page that may not send it.');
  return (await place.browserSession(visit)) ?? place.unauthenticated(visit);
}

function readWish({ sessions }: LoginPlace, { form }: Visit): Wish | LocalAnswer {
  const { tokens } = sessions.config;
  const name = (form.get('name') ?? '').trim();
  if (!NAME.test(name)) return invalid('name', 'is 1 to 100 characters');
  const scopes = words(form.get('scopes'));
  const strange = scopes.find((scope) => tokens?.scopes.includes(scope) !== true);
  if (strange !== undefined)
    return problem(400, 'invalid_scope', `No token has the scope ${JSON.stringify(strange.slice(0, 100))}.`);
  const grants = words(form.get('grants'));
  if (!grants.every((provider) => sessions.providers.includes(provider)))
    return invalid('grants', 'names providers of the login');
  const maxMs = tokens?.maxLifetime ?? 0;
  const lifetimeMs = lifetimeOf(form.get('expiresIn'), maxMs);
  if (lifetimeMs === undefined)
    return invalid('expiresIn', `is seconds, or a time such as 30d, from 1s to ${maxMs / 1000}s`);
  return { name, scopes, grants, lifetimeMs };
}

function lifetimeOf(text: string | null, maxMs: number): number | undefined {
  if (text === null) return maxMs;
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  return ms === undefined || ms < 1000 || ms > maxMs ? undefined : ms;
}

function words(text: string | null): readonly string[] {
  return [...new Set((text ?? '').split(' ').filter((word) => word !== ''))];
}

function invalid(field: string, what: string): LocalAnswer {
  return problem(400, 'invalid_request', `${field} ${what}.`);
}

function noTokens(): LocalAnswer {
  return problem(404, 'not_found', 'There is no such page of the login.');
}
