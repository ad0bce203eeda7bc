import type { Session } from '../sessions/session.ts';
import type { LocalAnswer } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';
import { goOn, type Way } from './walk.ts';

/** OpenID Connect Core section 3.1.2.1 and the extension for sign-up. */
const PROMPTS = new Set(['login', 'consent', 'select_account', 'create', 'none']);

/** GET /login: sends the browser through the providers of the login that the session has no grant of yet; with `prompt` through all of them. */
export async function login(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const returnTo = place.returnTo(visit);
  if (returnTo === undefined) return refuseRedirect(place, visit);
  const prompt = visit.query.get('prompt') ?? undefined;
  if (prompt !== undefined && !prompt.split(' ').every((word) => PROMPTS.has(word)))
    return place.refuse(visit, 400, 'invalid_request', 'No such prompt is known.');
  const session = await place.session(visit);
  const { config } = place.sessions;
  const providers = prompt === undefined ? await missing(place, session, config.login) : config.login;
  const isNew = providers[0] === config.login[0];
  return goOn(place, visit, { providers, returnTo, ...wayOf(session, isNew), prompt });
}

/** GET /connect/{provider}: adds a grant of one more provider, after a login where there is no session yet. */
export async function connect(place: LoginPlace, visit: Visit, provider: string): Promise<LocalAnswer> {
  const returnTo = place.returnTo(visit);
  if (returnTo === undefined) return refuseRedirect(place, visit);
  const { config, providers } = place.sessions;
  if (!providers.includes(provider))
    return place.refuse(visit, 404, 'not_found', 'There is no such provider.');
  const session = await place.session(visit);
  const before = await missing(place, session, config.login);
  const isNew = before[0] === config.login[0];
  const way = isNew ? [...new Set([...before, provider])] : [provider];
  return goOn(place, visit, { providers: way, returnTo, ...wayOf(session, isNew) });
}

function wayOf(session: Session | undefined, isNew: boolean): Pick<Way, 'session' | 'replaces'> {
  return isNew ? { replaces: session } : { session };
}

/**
 * Those of the login that the session has no grant of. Where that is the first, who says who the user is, they are all of them: the session
 * begins anew.
 */
async function missing(
  { sessions }: LoginPlace,
  session: Session | undefined,
  wanted: readonly string[],
): Promise<readonly string[]> {
  if (session === undefined) return wanted;
  const lacking: string[] = [];
  for (const provider of wanted)
    if ((await sessions.grants.read(session, provider)) === undefined) lacking.push(provider);
  return lacking[0] === wanted[0] ? wanted : lacking;
}

export function refuseRedirect(place: LoginPlace, visit: Visit): LocalAnswer {
  return place.refuse(visit, 400, 'invalid_redirect', 'A login does not return to this address.', [
    { text: 'Sign in', href: `${place.path}/login` },
  ]);
}
