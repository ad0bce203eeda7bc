import type { Turns } from '../lib/turns.ts';
import { type Leaf, type RouteEntry, Router } from './match.ts';
import type { PathPattern } from './pattern.ts';
import { type Candidate, candidatesOf, compareCandidates, type MatchedRoute } from './precedence.ts';
import { RouteTree } from './tree.ts';

export interface RouteToCompile<T> extends MatchedRoute {
  /** What a match gives back, such as the route with its policies made ready. */
  readonly value: T;
}

/** A route made ready for routers. It may stand in one after the other: what a reload leaves alone is not made ready again. */
export interface PreparedRoute<T> {
  readonly value: T;
  readonly ways: readonly Way<T>[];
}

/** A candidate with all that its leaf holds but for the rank, which depends on the other routes. */
interface Way<T> {
  readonly candidate: Candidate;
  readonly entry: RouteEntry<T>;
  readonly scheme: 'http' | 'https' | undefined;
  readonly captured: readonly number[];
  readonly restAfter: number;
}

/** Throws an Error for a bad path: `checkRoutes` reports those. */
export function prepareRoute<T>({ name, config, value }: RouteToCompile<T>): PreparedRoute<T> {
  const entries = new Map<PathPattern | undefined, RouteEntry<T>>();
  const ways = candidatesOf({ name, config }).map((candidate): Way<T> => {
    const { pattern, protocols } = candidate;
    // One entry for all hosts of a path.
    let entry = entries.get(pattern);
    if (entry === undefined) {
      entry = { name, value, pattern: pattern?.text, captureNames: pattern?.captureNames ?? [] };
      entries.set(pattern, entry);
    }
    return {
      candidate,
      entry,
      scheme: protocols === undefined || new Set(protocols).size === 2 ? undefined : protocols[0],
      captured: pattern === undefined ? NONE : capturedSegments(pattern),
      restAfter: pattern?.prefix ? pattern.segments.length : -1,
    };
  });
  return { value, ways };
}

/** Makes a router of routes in the order of the configuration. Ties, which `checkRoutes` reports, are decided by that order. */
export function compileRouter<T>(routes: readonly RouteToCompile<T>[]): Router<T> {
  const compiling = compile(routes.map(prepareRoute));
  for (;;) {
    const step = compiling.next();
    if (step.done === true) return step.value;
  }
}

/** The same for routes that are prepared, in turns: for a thread that serves requests meanwhile. */
export async function compileRouterInTurns<T>(
  routes: readonly PreparedRoute<T>[],
  turns: Turns,
): Promise<Router<T>> {
  const compiling = compile(routes);
  for (;;) {
    const step = compiling.next();
    if (step.done === true) return step.value;
    if (turns.isOver()) await turns.next();
  }
}

/** Steps of a small part of a millisecond, but for the sort, which takes some 10 ms for 10,000 routes in no order at all. */
function* compile<T>(routes: readonly PreparedRoute<T>[]): Generator<void, Router<T>> {
  const ways = routes.flatMap((route) => route.ways);
  yield;
  ways.sort((a, b) => compareCandidates(a.candidate, b.candidate));
  const tree = new RouteTree<Leaf<T>>();
  const methods = new Set<string>();
  for (const [rank, { candidate, entry, scheme, captured, restAfter }] of ways.entries()) {
    if (rank % WAYS_PER_STEP === 0) yield;
    const { headers, query } = candidate;
    for (const method of candidate.methods ?? NO_METHODS) methods.add(method);
    tree.add(candidate.host, candidate.pattern, {
      rank,
      entry,
      methods: candidate.methods,
      headers,
      query,
      scheme,
      captured,
      restAfter,
    });
  }
  return new Router(tree, [...methods].sort());
}

const WAYS_PER_STEP = 64;
const NONE: readonly number[] = [];
const NO_METHODS: readonly string[] = [];

function capturedSegments(pattern: PathPattern): readonly number[] {
  if (!pattern.shape.includes('0')) return NONE;
  return [...pattern.segments.keys()].filter((index) => pattern.shape[index] === '0');
}
