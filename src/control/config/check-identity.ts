import { addressProblem } from '../../identity/address-problem.ts';
import { DEFAULT_COOKIE } from '../../identity/sessions/schema.ts';
import { ADMIN_COOKIES, FLOW_COOKIE } from '../../identity/sessions/session-cookie.ts';
import { VISITOR_COOKIE } from '../../identity/sessions/visitors.ts';
import { isRecord } from '../../lib/is-record.ts';
import { entriesOf, type Path } from './place.ts';
import type { Problem } from './problem.ts';
import { checkReference, namesOf } from './references.ts';

/** What excludes or needs what in providers and sessions, and what they name. */
export function checkIdentity(config: Record<string, unknown>, problems: Problem[]): void {
  for (const [name, provider] of entriesOf(config['providers']))
    if (isRecord(provider)) checkProvider(provider, ['providers', name], problems);
  const cookies = new Map<string, string>();
  for (const [name, session] of entriesOf(config['sessions'])) {
    if (!isRecord(session)) continue;
    const path = ['sessions', name];
    checkProvidersOf(session, config['providers'], path, problems);
    checkSharedCallback(session, path, problems);
    checkKeys(session, path, problems);
    checkClients(session, config['providers'], path, problems);
    checkCookie(session, name, cookies, path, problems);
    const state = config['state'];
    if (session['store'] === 'redis' && !(isRecord(state) && isRecord(state['redis'])))
      problems.push({ path: [...path, 'store'], message: 'needs state.redis, which says where Redis is' });
  }
}

const ADDRESSES = [
  'issuer',
  'authorizationEndpoint',
  'tokenEndpoint',
  'revocationEndpoint',
  'logoutEndpoint',
];

function checkProvider(provider: Record<string, unknown>, path: Path, problems: Problem[]): void {
  if (provider['clientSecret'] !== undefined && provider['clientKey'] !== undefined)
    problems.push({
      path: [...path, 'clientKey'],
      message: 'the gateway has clientSecret already to prove who it is: one of the two is allowed',
      atKey: true,
    });
  const insecure = provider['insecure'] === true;
  const user = provider['user'];
  const addresses = ADDRESSES.map((option): [Path, unknown] => [[option], provider[option]]);
  if (isRecord(user)) addresses.push([['user', 'url'], user['url']]);
  for (const [at, value] of addresses) {
    const url = typeof value === 'string' && /^https?:/i.test(value) ? URL.parse(value) : null;
    const problem = url === null ? undefined : addressProblem(url, insecure);
    if (problem !== undefined) problems.push({ path: [...path, ...at], message: problem });
  }
}

function checkProvidersOf(
  session: Record<string, unknown>,
  providers: unknown,
  path: Path,
  problems: Problem[],
): void {
  const known = namesOf(providers);
  const seen = new Set<unknown>();
  for (const list of ['login', 'connect'] as const) {
    const names = session[list];
    if (!Array.isArray(names)) continue;
    names.forEach((name: unknown, index) => {
      const at = [...path, list, index];
      checkReference(name, known, 'provider', at, problems);
      if (seen.has(name)) problems.push({ path: at, message: `names ${String(name)} a second time` });
      seen.add(name);
      const provider = isRecord(providers) && typeof name === 'string' ? providers[name] : undefined;
      if (isRecord(provider))
        checkLogin(provider, String(name), list === 'login' && index === 0, at, problems);
    });
  }
}

function checkSharedCallback(
  { sharedCallback, login, connect }: Record<string, unknown>,
  path: Path,
  problems: Problem[],
): void {
  const known = [login, connect].flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  const names = new Set(known.filter((name) => typeof name === 'string'));
  checkReference(sharedCallback, names, 'provider of these sessions', [...path, 'sharedCallback'], problems);
}

/** A provider may be there for its tokens alone; to log in takes more. */
function checkLogin(
  provider: Record<string, unknown>,
  name: string,
  isFirst: boolean,
  path: Path,
  problems: Problem[],
): void {
  const { kind } = provider;
  if (kind !== undefined && kind !== 'oidc' && kind !== 'oauth2') return;
  if (provider['clientId'] === undefined)
    problems.push({ path, message: `nobody can log in at ${name}: it has no clientId` });
  if (kind === 'oauth2' && isFirst && provider['user'] === undefined)
    problems.push({
      path,
      message: `${name} has no user, so that it cannot say who logged in: put another first`,
    });
}

function checkKeys(session: Record<string, unknown>, path: Path, problems: Problem[]): void {
  const { keys, recognise, anonymous } = session;
  if (Array.isArray(keys) && keys.length > 0) return;
  const others = Array.isArray(recognise) ? recognise.filter((way) => way !== 'cookie') : [];
  if (others.length > 0)
    problems.push({
      path: [...path, 'recognise'],
      message: `${others.join(', ')} needs keys: without the cookie only they open a session`,
    });
  if (anonymous === true)
    problems.push({
      path: [...path, 'anonymous'],
      message: 'needs keys, which the names of visitors are signed with',
    });
}

/** Whose tokens open sessions can be verified only where the first provider publishes its keys. */
function checkClients(
  { clients, login, recognise }: Record<string, unknown>,
  providers: unknown,
  path: Path,
  problems: Problem[],
): void {
  if (!Array.isArray(clients) || clients.length === 0) return;
  const at = [...path, 'clients'];
  if (!Array.isArray(recognise) || !recognise.includes('bearer'))
    problems.push({
      path: at,
      message: 'needs recognise: [cookie, bearer]: nothing else looks at their tokens',
    });
  const name: unknown = Array.isArray(login) ? login[0] : undefined;
  const first = isRecord(providers) && typeof name === 'string' ? providers[name] : undefined;
  const kind = isRecord(first) ? first['kind'] : undefined;
  if (kind !== undefined && kind !== 'oidc')
    problems.push({
      path: at,
      message: `${String(name)} is no OpenID Connect provider: tokens of its clients cannot be verified`,
    });
}

function checkCookie(
  session: Record<string, unknown>,
  name: string,
  cookies: Map<string, string>,
  path: Path,
  problems: Problem[],
): void {
  const cookie = session['cookie'];
  const own = isRecord(cookie) ? cookie['name'] : undefined;
  const named = typeof own === 'string' ? own : DEFAULT_COOKIE;
  const at = own === undefined ? path : [...path, 'cookie', 'name'];
  const other = cookies.get(named);
  if (other !== undefined) {
    const message = `the sessions ${other} have the cookie ${named} already: give one of them another cookie.name`;
    problems.push({ path: at, message });
    return;
  }
  const message = ADMIN_COOKIES.includes(named)
    ? 'is the cookie of a login at the admin port, which browsers send here too: one would end the other'
    : beside(named, cookies);
  if (message !== undefined) {
    const free = `__Host-${name}`;
    const suggestion = cookies.has(free) || ADMIN_COOKIES.includes(free) ? undefined : free;
    problems.push({ path: at, message, suggestion });
  }
  cookies.set(named, name);
}

/** Why this is no name: sessions have further cookies, whose names begin with that of theirs. */
function beside(named: string, cookies: ReadonlyMap<string, string>): string | undefined {
  for (const [other, name] of cookies) {
    const [short, long] = other.length < named.length ? [other, named] : [named, other];
    if (long !== short + VISITOR_COOKIE && !long.startsWith(short + FLOW_COOKIE)) continue;
    return `makes ${long} a cookie of two kinds of sessions, these and ${name}`;
  }
  return undefined;
}
