import { isSecretField, isSecretParameter } from '../observability/secrets.ts';
import type { Condition } from './conditions.ts';
import { type Candidate, candidatesOf, compareCandidates, type MatchedRoute } from './precedence.ts';
import { preflightMethod } from './preflight.ts';
import type { RoutedRequest } from './types.ts';

/** What kept a route from a request. `method` means that everything else matched. */
export type MismatchReason = 'host' | 'path' | 'protocol' | 'header' | 'query' | 'method';

export type Verdict =
  | { readonly matches: true; readonly candidate: Candidate; readonly captures: readonly string[] }
  | { readonly matches: false; readonly reason: MismatchReason; readonly detail: string };

export interface ReferenceResult {
  readonly winner:
    | { readonly index: number; readonly candidate: Candidate; readonly captures: readonly string[] }
    | undefined;
  /** One for each route, in the order of the configuration. */
  readonly verdicts: readonly Verdict[];
  readonly allow: readonly string[];
  /** The method that a CORS preflight asks for, where it is by that method that the winner was found. */
  readonly preflightFor?: string;
}

/**
 * The matcher that can be seen to be right: it tries every route and takes the best by precedence. `explain` shows what it
 * finds, and a property test holds the fast `Router` to it. It shares with the router the rules of precedence and what a preflight is, and nothing else.
 */
export function referenceMatch(routes: readonly MatchedRoute[], request: RoutedRequest): ReferenceResult {
  const result = matchAsItIs(routes, request);
  const preflightFor = result.winner === undefined ? preflightMethod(request) : undefined;
  if (preflightFor === undefined) return result;
  const { scheme, host, path, search, fields } = request;
  const asked = matchAsItIs(routes, { method: preflightFor, scheme, host, path, search, fields });
  return asked.winner === undefined ? result : { ...asked, preflightFor };
}

function matchAsItIs(routes: readonly MatchedRoute[], request: RoutedRequest): ReferenceResult {
  const verdicts = routes.map((route) => judge(route, request));
  let winner: ReferenceResult['winner'];
  for (const [index, verdict] of verdicts.entries()) {
    if (!verdict.matches) continue;
    const { candidate, captures } = verdict;
    // Routes that tie are refused by checkRoutes; where they are used all the same, the first stays.
    if (winner === undefined || compareCandidates(candidate, winner.candidate) < 0)
      winner = { index, candidate, captures };
  }
  const allow = new Set<string>();
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict.matches || verdict.reason !== 'method') continue;
    const methods = routes[index]?.config.match.methods ?? [];
    for (const method of methods) allow.add(method);
    if (methods.includes('GET')) allow.add('HEAD');
  }
  return { winner, verdicts, allow: winner === undefined ? [...allow].sort() : [] };
}

function judge(route: MatchedRoute, request: RoutedRequest): Verdict {
  const candidates = candidatesOf(route);
  const { match } = route.config;

  const byHost = candidates.filter((candidate) => matchesHost(candidate.host, request.host));
  if (byHost.length === 0) {
    return no('host', `the host is ${request.host || 'not given'}, the route is for ${listed(match.hosts)}`);
  }

  const byPath = byHost.filter((candidate) => matchPath(candidate, request.path) !== undefined);
  if (byPath.length === 0)
    return no('path', `the path is ${request.path}, the route is for ${listed(match.paths)}`);

  if (match.protocols !== undefined && !match.protocols.includes(request.scheme)) {
    return no(
      'protocol',
      `the request came by ${request.scheme}, the route is for ${listed(match.protocols)}`,
    );
  }

  const { headers, query } = byPath[0] as Candidate;
  for (const condition of headers) {
    const value = request.fields.get(condition.name);
    if (!holds(condition, value)) return no('header', unmet(`header ${condition.name}`, condition, value));
  }
  const parameters = new URLSearchParams(request.search);
  for (const condition of query) {
    const value = parameters.get(condition.name) ?? undefined;
    if (!holds(condition, value))
      return no('query', unmet(`query parameter ${condition.name}`, condition, value));
  }

  const matching = byPath.filter(({ methods }) => methods === undefined || methods.includes(request.method));
  const best = matching.sort(compareCandidates)[0];
  if (best === undefined) {
    return no('method', `the method is ${request.method}, the route is for ${listed(match.methods)}`);
  }
  return { matches: true, candidate: best, captures: matchPath(best, request.path) ?? [] };
}

function matchesHost(wanted: string | undefined, host: string): boolean {
  if (wanted === undefined) return true;
  if (!wanted.startsWith('*.')) return host === wanted;
  const suffix = wanted.slice(1);
  return host.endsWith(suffix) && host.length > suffix.length;
}

/** The captured values, or undefined when the path does not match. */
function matchPath({ pattern }: Candidate, path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  if (pattern === undefined) return [];
  const body = pattern.prefix ? pattern.text.slice(0, -'/*'.length) : pattern.text;
  const parts = body.split(/\{[^}]*\}/).map((literal) => literal.replace(/[^A-Za-z0-9]/g, '\\$&'));
  const source = parts.join('([^/]+)') + (pattern.prefix ? '((?:/.*)?)' : '');
  return new RegExp(`^${source}$`).exec(path)?.slice(1);
}

function holds(condition: Condition, value: string | undefined): boolean {
  if (condition.kind === 'absent') return value === undefined;
  if (value === undefined) return false;
  if (condition.kind === 'present') return true;
  return condition.kind === 'exact' ? value === condition.value : value.startsWith(condition.value);
}

/** Says what was wanted and never what was sent: headers and queries carry secrets. What is wanted of a field for secrets is one itself. */
function unmet(what: string, condition: Condition, value: string | undefined): string {
  if (condition.kind === 'absent') return `${what} is there, the route wants it absent`;
  const wanted =
    condition.kind === 'present'
      ? 'be there'
      : condition.kind === 'exact'
        ? `be ${shownValue(condition.name, condition.value)}`
        : `begin with ${shownValue(condition.name, condition.value)}`;
  return `${what} must ${wanted}; it ${value === undefined ? 'is not there' : 'has another value'}`;
}

function shownValue(name: string, value: string): string {
  return isSecretField(name) || isSecretParameter(name)
    ? 'what the configuration says'
    : JSON.stringify(value);
}

function listed(values: readonly string[] | undefined): string {
  if (values === undefined) return 'any';
  const shown = values.slice(0, 5).join(', ');
  return values.length > 5 ? `${shown} and ${values.length - 5} more` : shown;
}

function no(reason: MismatchReason, detail: string): Verdict {
  return { matches: false, reason, detail };
}
