import { type Candidate, type Criterion, decidingCriterion, type MatchedRoute } from './precedence.ts';
import { type MismatchReason, referenceMatch } from './reference.ts';
import type { RoutedRequest } from './types.ts';

export interface ExplainedWinner {
  readonly route: string;
  /** The path by which it matched; undefined for a route without paths. */
  readonly pattern: string | undefined;
  /** By name, percent-encoded; `*` is what `/*` took. */
  readonly captures: Readonly<Record<string, string>>;
  /** The method that a CORS preflight asks for, where the route was found by that method. */
  readonly preflightFor?: string;
}

export interface ExplainedLoser {
  readonly route: string;
  /** What kept it from matching; `precedence` when it matches and another goes before it. */
  readonly reason: MismatchReason | 'precedence';
  /** A sentence for people, without values of headers or of the query. */
  readonly detail: string;
}

export interface Explanation {
  readonly status: 'matched' | 'not_found' | 'method_not_allowed';
  readonly winner?: ExplainedWinner;
  /** Every other route, in the order of the configuration. */
  readonly losers: readonly ExplainedLoser[];
  /** Methods for `Allow`; empty unless `method_not_allowed`. */
  readonly allow: readonly string[];
}

/** Which route takes a request, and why each other does not. The routes must have passed `checkRoutes` without an error. */
export function explain(routes: readonly MatchedRoute[], request: RoutedRequest): Explanation {
  const { winner, verdicts, allow, preflightFor } = referenceMatch(routes, request);
  const losers: ExplainedLoser[] = [];
  for (const [index, verdict] of verdicts.entries()) {
    const route = (routes[index] as MatchedRoute).name;
    if (!verdict.matches) losers.push({ route, reason: verdict.reason, detail: verdict.detail });
    else if (winner !== undefined && winner.index !== index) {
      losers.push({ route, reason: 'precedence', detail: whyBehind(verdict.candidate, winner.candidate) });
    }
  }
  if (winner === undefined)
    return { status: allow.length > 0 ? 'method_not_allowed' : 'not_found', losers, allow };
  const { candidate, captures } = winner;
  const names = candidate.pattern?.captureNames ?? [];
  return {
    status: 'matched',
    winner: {
      route: candidate.route.name,
      pattern: candidate.pattern?.text,
      captures: Object.fromEntries(names.map((name, index) => [name, captures[index] ?? ''])),
      ...(preflightFor === undefined ? {} : { preflightFor }),
    },
    losers,
    allow,
  };
}

function whyBehind(loser: Candidate, winner: Candidate): string {
  const criterion = decidingCriterion(winner, loser);
  const name = winner.route.name;
  if (criterion === undefined) return `it ties with ${name}, which stands before it in the configuration`;
  return `it matches too, but ${name} goes before it: ${DIFFERENCE[criterion](loser, winner)}`;
}

const DIFFERENCE: Record<Criterion, (loser: Candidate, winner: Candidate) => string> = {
  priority: (loser, winner) => `priority ${winner.priority} is above ${loser.priority}`,
  host: (loser, winner) => `host ${winner.host} is more specific than ${loser.host ?? 'any host'}`,
  path: (loser, winner) =>
    `path ${winner.pattern?.text} is more specific than ${loser.pattern?.text ?? 'any path'}`,
  method: (loser, winner) =>
    winner.methodScore === 2
      ? `it names the method, ${loser.methodScore === 1 ? 'here HEAD only follows from GET' : 'here any will do'}`
      : 'HEAD follows from its GET, here any method will do',
  header: (loser, winner) => `it matches ${count(winner.headers, 'header')}, not ${loser.headers.length}`,
  query: (loser, winner) => `it matches ${count(winner.query, 'query parameter')}, not ${loser.query.length}`,
  protocol: (_loser, winner) => `it is for ${winner.protocols?.join(', ')}, not for any protocol`,
};

function count(list: readonly unknown[], what: string): string {
  return `${list.length} ${what}${list.length === 1 ? '' : 's'}`;
}
