import type { Exchange } from '../../policy/contract.ts';
import { RecordsUnavailable } from '../../state/records/records.ts';
import type { Identity } from '../identity.ts';
import { backchannelLogout } from './backchannel-logout.ts';
import { callback } from './callback.ts';
import { deviceCode, deviceEntered, devicePage, deviceToken } from './device.ts';
import { disconnect } from './disconnect.ts';
import { empty, type LocalAnswer, problem, withFields } from './local-answer.ts';
import { connect, login } from './login.ts';
import { LoginPlace } from './login-place.ts';
import { logout, logoutDone } from './logout.ts';
import { createToken, deleteToken, listTokens } from './tokens.ts';
import { corsFields, user } from './user.ts';
import { Visit } from './visit.ts';

/** A page: answers a visit; `name` is the last segment of a path such as /connect/{provider}. */
type Page = (place: LoginPlace, visit: Visit, name: string) => Promise<LocalAnswer>;

/**
 * By path below that of the sessions, and by method; `*` stands for one segment. HEAD is as GET (RFC 9110 section 9.1), but for what can be asked for once
 * or ends something.
 */
const PAGES: Readonly<Record<string, Readonly<Record<string, Page>>>> = {
  '/login': { GET: login, HEAD: login },
  '/callback': { GET: callback },
  '/callback/*': { GET: callback },
  '/connect/*': { GET: connect, HEAD: connect },
  '/disconnect/*': { POST: disconnect },
  '/logout': { GET: logout, POST: logout },
  '/logout/done': { GET: logoutDone },
  '/backchannel-logout': { POST: backchannelLogout },
  '/device': { GET: devicePage, HEAD: devicePage, POST: deviceEntered },
  '/device/code': { POST: deviceCode },
  '/device/token': { POST: deviceToken },
  '/tokens': { GET: listTokens, HEAD: listTokens, POST: createToken },
  '/tokens/*': { DELETE: deleteToken },
  '/user': { GET: user, HEAD: user },
};

/** What pages of other origins may ask for by script. */
const SHARED = new Set(['/user', '/logout', '/disconnect/*', '/tokens', '/tokens/*']);

/** The pages of a login of one kind of sessions: what a route with `login` answers with. */
export class LoginPages {
  readonly identity: Identity;
  readonly #place: LoginPlace;

  /** Throws an Error where there are no sessions of that name. */
  constructor(identity: Identity, sessions: string) {
    this.identity = identity;
    this.#place = new LoginPlace(identity, sessions);
  }

  /** `body` is without its Content-Encoding. */
  async answer(exchange: Exchange, body: Buffer): Promise<LocalAnswer> {
    const place = this.#place;
    const { path, method } = exchange.request;
    const below = path.startsWith(`${place.path}/`) ? path.slice(place.path.length) : '';
    const [pattern, name] = below in PAGES ? [below, ''] : starred(below);
    const page = Object.hasOwn(PAGES, pattern) ? PAGES[pattern] : undefined;
    if (page === undefined) return problem(404, 'not_found', 'There is no such page of the login.');
    const visit = new Visit(exchange, body);
    if (method === 'OPTIONS' && SHARED.has(pattern)) return empty(204, corsFields(place, visit));
    const answer = Object.hasOwn(page, method) ? page[method] : undefined;
    if (answer === undefined) {
      const allow = Object.keys(page).join(', ');
      return problem(405, 'method_not_allowed', `Allowed: ${allow}.`, { headers: { Allow: allow } });
    }
    try {
      const made = await answer(place, visit, name);
      return SHARED.has(pattern) ? withFields(made, corsFields(place, visit)) : made;
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      return place.refuseFailure(visit, error, '', `${place.path}/login`);
    }
  }
}

/** `/connect/gitlab` is a page of the pattern `/connect/*`, for `gitlab`. */
function starred(below: string): readonly [pattern: string, name: string] {
  const slash = below.lastIndexOf('/');
  return slash <= 0 ? ['', ''] : [`${below.slice(0, slash)}/*`, below.slice(slash + 1)];
}
