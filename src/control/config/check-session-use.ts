import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import { parsePattern, type Segment } from '../../routing/pattern.ts';
import { entriesOf, type Path } from './place.ts';
import type { Problem } from './problem.ts';

type Routes = readonly (readonly [name: string, route: unknown])[];

/** A kind of sessions, as far as policies depend on it. */
interface Kind {
  readonly providers: ReadonlySet<unknown>;
  readonly loginPath: string;
  readonly makesTokens: boolean;
}

/** A use of a policy that is about sessions: its name, its options and where these are. */
interface Use {
  readonly policy: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly path: Path;
}

const OF_SESSIONS = new Set(['session', 'personal-access-token']);
/** A route's own takes the place of those of all routes. */
const AUTHENTICATION = new Set([
  'api-key',
  'auth',
  'basic',
  'forward-auth',
  'introspection',
  'jwt',
  'mtls',
  'personal-access-token',
  'public',
  'session',
  'signature',
]);

/**
 * Warns of what policies want of sessions and can never have: each request would be refused, or sent about without end. Warnings, as entities of a
 * store come one after the other.
 */
export function sessionsOutOfReach(config: Readonly<Record<string, unknown>>, routes: Routes): Problem[] {
  const written = entriesOf(config['sessions']);
  if (written.length === 0 && entriesOf(config['providers']).length === 0) return [];
  const kinds = new Map(written.flatMap(([name, kind]) => (isRecord(kind) ? [[name, kindOf(kind)]] : [])));
  const problems: Problem[] = [];
  const global = usesIn(config['policies'], ['policies']);
  const wanted = new Map<string, Use>();
  const lists = [
    { own: global, all: global, isRoute: false },
    ...routes.flatMap(([name, route]) => {
      if (!isRecord(route) || route['enabled'] === false || route['login'] !== undefined) return [];
      const own = usesIn(route['policies'], ['routes', name, 'policies']);
      const isOwn = own.some(({ policy }) => AUTHENTICATION.has(policy));
      const inherited = isOwn ? global.filter(({ policy }) => !AUTHENTICATION.has(policy)) : global;
      return [{ own, all: [...inherited, ...own], isRoute: true }];
    }),
  ];
  for (const { own, all, isRoute } of lists) {
    const known = membersOf(all).filter(({ policy }) => OF_SESSIONS.has(policy));
    for (const use of membersOf(own)) {
      const { name, required } = use.options;
      const kind = typeof name === 'string' ? kinds.get(name) : undefined;
      if (OF_SESSIONS.has(use.policy) && kind !== undefined) {
        problems.push(...problemsOfUse(use, kind, config));
        if (use.policy === 'session' && required !== false && !wanted.has(String(name)))
          wanted.set(String(name), use);
      }
      if (use.policy === 'inject' && isRoute) problems.push(...problemsOfInject(use, known, kinds));
    }
  }
  for (const [name, use] of wanted) problems.push(...problemsOfLogin(name, use, kinds.get(name), routes));
  return problems;
}

function kindOf({ login, connect, path, tokens }: Record<string, unknown>): Kind {
  const names = [login, connect].flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  const below = typeof path === 'string' ? path : '/auth';
  return { providers: new Set(names), loginPath: `${below}/login`, makesTokens: tokens !== undefined };
}

function usesIn(list: unknown, path: Path): readonly Use[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index) =>
    Object.entries(isRecord(entry) ? entry : {}).map(([policy, options]) => ({
      policy,
      options: isRecord(options) ? options : {},
      path: [...path, index, policy],
    })),
  );
}

/** With what `auth` combines in its place. */
function membersOf(uses: readonly Use[]): readonly Use[] {
  return uses.flatMap((use) => {
    const { policy, options, path } = use;
    if (policy !== 'auth' && policy !== 'any' && policy !== 'all') return [use];
    return ['any', 'all'].flatMap((name) => membersOf(usesIn(options[name], [...path, name])));
  });
}

function problemsOfUse(
  { policy, options, path }: Use,
  { providers, makesTokens }: Kind,
  config: Readonly<Record<string, unknown>>,
): Problem[] {
  const problems: Problem[] = [];
  const name = String(options['name']);
  if (policy === 'personal-access-token' && !makesTokens)
    problems.push(
      warning(
        [...path, 'name'],
        `the sessions ${name} make no tokens, so that nobody has one: set tokens there`,
      ),
    );
  const wanted = options['providers'];
  const known = isRecord(config['providers']) ? config['providers'] : {};
  if (Array.isArray(wanted))
    wanted.forEach((provider: unknown, index) => {
      if (providers.has(provider) || !Object.hasOwn(known, String(provider))) return;
      problems.push(lacking(String(provider), [name], [...path, 'providers', index], providers));
    });
  return problems;
}

function problemsOfInject(
  { options, path }: Use,
  known: readonly Use[],
  kinds: ReadonlyMap<string, Kind>,
): Problem[] {
  const { provider, from = 'grant', required } = options;
  if (from !== 'grant' || typeof provider !== 'string') return [];
  if (known.length === 0)
    return required === false
      ? []
      : [
          warning(
            path,
            'no policy of this route knows sessions, so that there is no grant to send and every request is refused: add session',
            true,
          ),
        ];
  const names = known.map((use) => String(use.options['name'])).filter((name) => kinds.has(name));
  const providers = names.map((name) => kinds.get(name)?.providers ?? new Set());
  if (names.length === 0 || providers.some((each) => each.has(provider))) return [];
  return [lacking(provider, names, [...path, 'provider'], providers[0] ?? new Set())];
}

function lacking(
  provider: string,
  names: readonly string[],
  path: Path,
  known: ReadonlySet<unknown>,
): Problem {
  const message = `${provider} is neither in login nor in connect of the sessions ${names.join(', ')}, so that nobody can have a grant of it`;
  const others = [...known].filter((name) => typeof name === 'string');
  return { ...warning(path, message), suggestion: nearest(provider, others) };
}

/** Who has no session is sent to a page that has to be there. */
function problemsOfLogin(name: string, { path }: Use, kind: Kind | undefined, routes: Routes): Problem[] {
  const served = routes.flatMap(([, route]) =>
    isRecord(route) && route['login'] === name && route['enabled'] !== false ? [route['match']] : [],
  );
  const loginPath = kind?.loginPath ?? '';
  if (served.some((match) => covers(match, loginPath))) return [];
  const message =
    served.length === 0
      ? `nobody can log in: no route has login: ${name}, and users are sent to ${loginPath}`
      : `nobody can log in: users are sent to ${loginPath}, which no route with login: ${name} matches`;
  return [warning(path, message, true)];
}

/** Whether a route may match this path; what is no pattern is told of elsewhere. */
function covers(match: unknown, path: string): boolean {
  const paths = isRecord(match) ? match['paths'] : undefined;
  if (!Array.isArray(paths)) return true;
  const wanted = path.split('/').slice(1);
  return paths.some((text: unknown) => {
    const parsed = typeof text === 'string' ? parsePattern(text) : undefined;
    if (parsed?.ok !== true) return true;
    const { segments, prefix } = parsed.pattern;
    const isLongEnough = prefix ? segments.length <= wanted.length : segments.length === wanted.length;
    return isLongEnough && segments.every((segment: Segment, at) => isLike(segment, wanted[at] ?? ''));
  });
}

function isLike(segment: Segment, text: string): boolean {
  return 'capture' in segment || segment.literal === text;
}

function warning(path: Path, message: string, atKey = false): Problem {
  return { severity: 'warning', path, message, ...(atKey && { atKey }) };
}
