import { type Condition, conditionsOf } from './conditions.ts';
import { type PathPattern, parsePattern } from './pattern.ts';
import type { RouteConfig } from './schema.ts';

/** What matching needs of a route. */
export interface MatchedRoute {
  readonly name: string;
  /** What messages call it; default: its name. */
  readonly title?: string;
  readonly config: Pick<RouteConfig, 'match' | 'priority'>;
}

/** One way in which a route can match: one of its hosts with one of its paths. */
export interface Candidate<Route extends MatchedRoute = MatchedRoute> {
  readonly route: Route;
  readonly priority: number;
  /** Undefined: any. */
  readonly host: string | undefined;
  /** Undefined: any. */
  readonly pattern: PathPattern | undefined;
  /** Undefined: any. */
  readonly methods: readonly string[] | undefined;
  /** What `methods` is worth: 2 for methods that the route names, 1 for HEAD because it names GET, 0 for any. */
  readonly methodScore: number;
  readonly headers: readonly Condition[];
  readonly query: readonly Condition[];
  /** Undefined: not given. */
  readonly protocols: readonly ('http' | 'https')[] | undefined;
}

const IMPLIED_HEAD: readonly string[] = ['HEAD'];
const ANY = [undefined];

/**
 * Every candidate of a route. One with GET and without HEAD has one more for HEAD, which stands behind those that name HEAD: a
 * route written for HEAD is asked first.
 * Throws an Error for a bad path: `checkRoutes` reports those before.
 */
export function candidatesOf<Route extends MatchedRoute>(route: Route): Candidate<Route>[] {
  const candidates: Candidate<Route>[] = [];
  const { match, priority } = route.config;
  const headers = conditionsOf(match.headers);
  const query = conditionsOf(match.query);
  const { methods, protocols } = match;
  const impliesHead = methods?.includes('GET') && !methods.includes('HEAD');
  for (const path of match.paths ?? ANY) {
    const pattern = path === undefined ? undefined : patternOf(route, path);
    for (const host of match.hosts ?? ANY) {
      const common = { route, priority, host, pattern, headers, query, protocols };
      candidates.push({ ...common, methods, methodScore: methods === undefined ? 0 : 2 });
      if (impliesHead) candidates.push({ ...common, methods: IMPLIED_HEAD, methodScore: 1 });
    }
  }
  return candidates;
}

function patternOf(route: MatchedRoute, path: string): PathPattern {
  const parsed = parsePattern(path);
  if (!parsed.ok) throw new Error(`route ${route.name}: ${path}: ${parsed.message}`);
  return parsed.pattern;
}

export type Criterion = 'priority' | 'host' | 'path' | 'method' | 'header' | 'query' | 'protocol';

/**
 * The rules of precedence, in their order: those of the Kubernetes Gateway API behind an explicit priority. Each is negative when
 * the first candidate goes before the second. Together they order all candidates once and for all, whatever the request.
 */
const CRITERIA: readonly {
  readonly name: Criterion;
  readonly compare: (a: Candidate, b: Candidate) => number;
}[] = [
  { name: 'priority', compare: (a, b) => b.priority - a.priority },
  { name: 'host', compare: (a, b) => hostScore(b.host) - hostScore(a.host) },
  { name: 'path', compare: (a, b) => comparePatterns(a.pattern, b.pattern) },
  { name: 'method', compare: (a, b) => b.methodScore - a.methodScore },
  { name: 'header', compare: (a, b) => b.headers.length - a.headers.length },
  { name: 'query', compare: (a, b) => b.query.length - a.query.length },
  {
    name: 'protocol',
    compare: (a, b) => Number(b.protocols !== undefined) - Number(a.protocols !== undefined),
  },
];

/** Negative when `a` goes before `b`, 0 when they tie. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  for (const criterion of CRITERIA) {
    const order = criterion.compare(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** The rule that puts `a` before `b` or behind it; undefined when they tie. */
export function decidingCriterion(a: Candidate, b: Candidate): Criterion | undefined {
  return CRITERIA.find((criterion) => criterion.compare(a, b) !== 0)?.name;
}

/** Every candidate in the order in which they are asked. Those that tie stand in the order of the configuration. */
export function candidatesInOrder<Route extends MatchedRoute>(routes: readonly Route[]): Candidate<Route>[] {
  return routes.flatMap((route) => candidatesOf(route)).sort(compareCandidates);
}

/** An exact host before `*.` before any; of two `*.` that match one host, the longer has more labels. */
function hostScore(host: string | undefined): number {
  if (host === undefined) return 0;
  return host.startsWith('*.') ? host.length : Number.MAX_SAFE_INTEGER;
}

/**
 * An exact path before a prefix before any path. Of two prefixes the one with more segments, which is the one that takes more
 * characters of the request's path. Where both take the same, a literal before a capture at the first place where they differ.
 * (An exact path without captures goes before those with: it says the same of two that match one path, and lets the router stop there.)
 */
export function comparePatterns(a: PathPattern | undefined, b: PathPattern | undefined): number {
  const kind = patternKind(b) - patternKind(a);
  if (kind !== 0 || a === undefined || b === undefined) return kind;
  if (a.segments.length !== b.segments.length) return b.segments.length - a.segments.length;
  return a.shape === b.shape ? 0 : a.shape > b.shape ? -1 : 1;
}

function patternKind(pattern: PathPattern | undefined): number {
  if (pattern === undefined) return 0;
  if (pattern.prefix) return 1;
  return pattern.captureNames.length > 0 ? 2 : 3;
}
