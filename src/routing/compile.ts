import { type Leaf, type RouteEntry, Router } from './match.ts';
import type { PathPattern } from './pattern.ts';
import { type Candidate, candidatesInOrder, type MatchedRoute } from './precedence.ts';
import { RouteTree } from './tree.ts';

export interface RouteToCompile<T> extends MatchedRoute {
  /** What a match gives back, such as the route with its policies made ready. */
  readonly value: T;
}

/**
 * Makes a router of routes in the order of the configuration. Throws an Error for a bad path: `checkRoutes` reports those, and
 * ties, which are decided here by the order of the configuration.
 */
export function compileRouter<T>(routes: readonly RouteToCompile<T>[]): Router<T> {
  const tree = new RouteTree<Leaf<T>>();
  const methods = new Set<string>();
  const entries = new Map<unknown, RouteEntry<T>>();
  for (const [rank, candidate] of candidatesInOrder(routes).entries()) {
    for (const method of candidate.methods ?? []) methods.add(method);
    tree.add(candidate.host, candidate.pattern, leafOf(candidate, rank, entries));
  }
  return new Router(tree, [...methods].sort());
}

const NONE: readonly number[] = [];

function capturedSegments(pattern: PathPattern): readonly number[] {
  if (!pattern.shape.includes('0')) return NONE;
  return [...pattern.segments.keys()].filter((index) => pattern.shape[index] === '0');
}

function leafOf<T>(
  candidate: Candidate<RouteToCompile<T>>,
  rank: number,
  entries: Map<unknown, RouteEntry<T>>,
): Leaf<T> {
  const { route, pattern, protocols } = candidate;
  // One entry for all hosts of a route's path.
  const key = pattern ?? route;
  let entry = entries.get(key);
  if (entry === undefined) {
    entry = {
      name: route.name,
      value: route.value,
      pattern: pattern?.text,
      captureNames: pattern?.captureNames ?? [],
    };
    entries.set(key, entry);
  }
  const captured = pattern === undefined ? NONE : capturedSegments(pattern);
  return {
    rank,
    entry,
    methods: candidate.methods,
    headers: candidate.headers,
    query: candidate.query,
    scheme: protocols === undefined || new Set(protocols).size === 2 ? undefined : protocols[0],
    captured,
    restAfter: pattern?.prefix ? pattern.segments.length : -1,
  };
}
