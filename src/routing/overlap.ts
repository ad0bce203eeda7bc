import type { Condition } from './conditions.ts';
import { ListIndex, type Ordered } from './list-index.ts';
import type { PathPattern } from './pattern.ts';
import { type Candidate, candidatesInOrder, compareCandidates, type MatchedRoute } from './precedence.ts';
import { type PathNode, RouteTree } from './tree.ts';
import { canMeet, implies, intersection } from './witness.ts';

/** Two routes that could both take one request, with nothing to say which; `both` matches such requests. */
export interface Tie {
  readonly first: Candidate;
  readonly second: Candidate;
  readonly both: Candidate;
}

/** A route all of whose requests go to others. */
export interface Hidden {
  readonly route: MatchedRoute;
  /** The route's best candidate. */
  readonly candidate: Candidate;
  /** The routes that take its requests; the first takes what `example` matches. */
  readonly by: readonly Candidate[];
  readonly example: Candidate;
}

/**
 * How much of a list is looked at for one that hides another. Beyond it a hidden route may go unreported; it keeps thousands of
 * routes on one path from being compared each with each.
 */
const LOOKED_AT = 256;
/** A list that is longer gets an index. */
const SHORT = 16;

/** Finds ties and hidden routes. A hidden route is always one; not every route that can never match is found. */
export function findOverlaps(routes: readonly MatchedRoute[]): { ties: Tie[]; hidden: Hidden[] } {
  const tree = new RouteTree<Ordered>();
  const places: { readonly own: Ordered; readonly list: Ordered[] }[] = [];
  for (const [rank, candidate] of candidatesInOrder(routes).entries()) {
    const own = { rank, candidate };
    places.push({ own, list: tree.add(candidate.host, candidate.pattern, own) });
  }

  const indexes = new Map<Ordered[], ListIndex>();
  const ties: Tie[] = [];
  const reachable = new Set<MatchedRoute>();
  const hidden = new Map<MatchedRoute, Hidden>();
  for (const { own, list } of places) {
    if (list.length > SHORT && !indexes.has(list)) indexes.set(list, new ListIndex(list));
    const tie = findTie(own, indexes.get(list)?.tied(own.candidate) ?? [list]);
    if (tie !== undefined) ties.push(tie);

    const { route } = own.candidate;
    if (reachable.has(route)) continue;
    const lists = coveringLists(tree, own.candidate).flatMap(
      (each) => indexes.get(each)?.wider(own.candidate) ?? [each],
    );
    const found = findHiders(lists, own);
    if (found === undefined) reachable.add(route);
    else if (!hidden.has(route)) hidden.set(route, found);
  }
  return {
    ties,
    hidden: [...hidden.values()].filter(({ route }) => !reachable.has(route)),
  };
}

function findTie(own: Ordered, lists: Iterable<readonly Ordered[]>): Tie | undefined {
  const second = own.candidate;
  for (const list of lists) {
    for (const { rank, candidate: first } of list) {
      if (rank >= own.rank) break;
      if (first.route === second.route) continue;
      if (!canMeet(first.headers, second.headers) || !canMeet(first.query, second.query)) continue;
      if (compareCandidates(first, second) !== 0) continue;
      const both = intersection(first, second);
      if (both !== undefined) return { first, second, both };
    }
  }
  return undefined;
}

/** The candidates of other routes that together take every request of this one; undefined when none are found. */
function findHiders(lists: readonly (readonly Ordered[])[], own: Ordered): Hidden | undefined {
  const { candidate } = own;
  const by: Candidate[] = [];
  let example = candidate;
  for (const method of candidate.methods ?? [undefined]) {
    for (const protocol of candidate.protocols ?? (['https', 'http'] as const)) {
      const hider = findHider(lists, own, method, protocol);
      if (hider === undefined) return undefined;
      if (by.length === 0)
        example = {
          ...candidate,
          methods: method === undefined ? undefined : [method],
          protocols: [protocol],
        };
      if (!by.some((each) => each.route === hider.route)) by.push(hider);
    }
  }
  return { route: candidate.route, candidate, by, example };
}

function findHider(
  lists: readonly (readonly Ordered[])[],
  own: Ordered,
  method: string | undefined,
  protocol: 'http' | 'https',
): Candidate | undefined {
  let best: Ordered | undefined;
  for (const list of lists) {
    const end = Math.min(list.length, LOOKED_AT);
    for (let i = 0; i < end; i++) {
      const ordered = list[i] as Ordered;
      if (ordered.rank >= (best ?? own).rank) break;
      if (hides(ordered.candidate, own.candidate, method, protocol)) best = ordered;
    }
  }
  return best?.candidate;
}

/** Host and path are known to be covered. */
function hides(
  wide: Candidate,
  narrow: Candidate,
  method: string | undefined,
  protocol: 'http' | 'https',
): boolean {
  if (wide.route === narrow.route) return false;
  if (wide.methods !== undefined && (method === undefined || !wide.methods.includes(method))) return false;
  if (wide.protocols !== undefined && !wide.protocols.includes(protocol)) return false;
  if (!allImplied(narrow.headers, wide.headers) || !allImplied(narrow.query, wide.query)) return false;
  // Those that tie are reported as such.
  return compareCandidates(wide, narrow) < 0;
}

function allImplied(narrow: readonly Condition[], wide: readonly Condition[]): boolean {
  return wide.every((condition) =>
    narrow.some((each) => each.name === condition.name && implies(each, condition)),
  );
}

/** The lists whose host and path take everything that the candidate's host and path take. */
function coveringLists(tree: RouteTree<Ordered>, { host, pattern }: Candidate): Ordered[][] {
  const found: Ordered[][] = [];
  const tables = [tree.anyHost];
  if (host !== undefined) {
    if (!host.startsWith('*.')) tables.push(tree.exactHosts.get(host));
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      tables.push(tree.hostSuffixes.get(host.slice(dot)));
    }
  }
  for (const table of tables) {
    if (table === undefined) continue;
    if (table.any !== undefined) found.push(table.any);
    const root = table.root;
    if (pattern === undefined) {
      // Every path begins with a slash: `/*` takes them all.
      if (root?.prefix !== undefined) found.push(root.prefix);
      continue;
    }
    const same = pattern.prefix ? undefined : table.literals.get(pattern.text);
    if (same !== undefined) found.push(same);
    if (root !== undefined) addCovering(root, pattern, 0, found);
  }
  return found;
}

function addCovering(node: PathNode<Ordered>, pattern: PathPattern, depth: number, found: Ordered[][]): void {
  if (node.prefix !== undefined) found.push(node.prefix);
  const segment = pattern.segments[depth];
  if (segment === undefined) {
    if (!pattern.prefix && node.exact !== undefined) found.push(node.exact);
    return;
  }
  const literal = 'literal' in segment ? segment.literal : undefined;
  const child = literal === undefined ? undefined : node.literals?.get(literal);
  if (child !== undefined) addCovering(child, pattern, depth + 1, found);
  // A capture takes no empty segment: the one that stands for a slash at the end.
  if (node.capture !== undefined && literal !== '') addCovering(node.capture, pattern, depth + 1, found);
}
