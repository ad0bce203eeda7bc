import type { Condition } from './conditions.ts';
import { type Candidate, candidatesInOrder, compareCandidates, type MatchedRoute } from './precedence.ts';
import { type PathNode, type Ranked, RouteTree } from './tree.ts';
import { implies, intersection } from './witness.ts';

/** Two routes that could both take one request, with nothing to say which; `both` matches such requests. */
export interface Tie {
  readonly first: Candidate;
  readonly second: Candidate;
  readonly both: Candidate;
}

/** A route all of whose requests go to others. */
export interface Hidden {
  readonly route: MatchedRoute;
  /** The routes that take them; the first takes what `example` matches. */
  readonly by: readonly Candidate[];
  readonly example: Candidate;
}

interface Ordered extends Ranked {
  readonly candidate: Candidate;
}

/** The candidates of one host and one path, whatever the names of its captures. */
interface Group extends Ranked {
  /** By a header or parameter with an exact value, when they ask for one: few candidates then need to be compared. */
  readonly byValue: Map<string, Ordered[]>;
  readonly others: Ordered[];
  readonly ties: Map<string, TieGroup>;
}

/** Candidates of one group that tie with each other, if they can match one request. */
interface TieGroup {
  /** First by the name of the field, then by its exact value. */
  readonly byValue: Map<string, Map<string, Candidate[]>>;
  readonly others: Candidate[];
}

/**
 * How many candidates of one group are looked at for one that hides another. Beyond it a hidden route may go unreported; it keeps
 * thousands of routes on one path from being compared each with each.
 */
const LOOKED_AT = 256;

/** Finds ties and hidden routes. A hidden route is always one; not every route that can never match is found. */
export function findOverlaps(routes: readonly MatchedRoute[]): { ties: Tie[]; hidden: Hidden[] } {
  const tree = new RouteTree<Group>();
  const groups = new Map<string, Group>();
  const ties: Tie[] = [];
  const reachable = new Set<MatchedRoute>();
  const hidden = new Map<MatchedRoute, { by: Candidate[]; example: Candidate }>();

  // In the order of precedence: what stands in the tree already goes before what comes.
  for (const [rank, candidate] of candidatesInOrder(routes).entries()) {
    const { route } = candidate;
    if (!reachable.has(route)) {
      const found = findHiders(tree, candidate);
      if (found === undefined) reachable.add(route);
      else if (!hidden.has(route)) hidden.set(route, found);
    }
    const key = `${candidate.host ?? ''} ${pathKey(candidate)}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { rank, byValue: new Map(), others: [], ties: new Map() };
      groups.set(key, group);
      tree.add(candidate.host, candidate.pattern, group);
    }
    const tie = findTie(group, candidate);
    if (tie !== undefined) ties.push(tie);
    addToGroup(group, { rank, candidate });
  }
  return {
    ties,
    hidden: [...hidden].flatMap(([route, found]) => (reachable.has(route) ? [] : [{ route, ...found }])),
  };
}

function pathKey({ pattern }: Candidate): string {
  if (pattern === undefined) return '';
  const path = pattern.segments.map((segment) => ('literal' in segment ? `/${segment.literal}` : '/{}')).join('');
  return pattern.prefix ? `${path}/*` : path;
}

function addToGroup(group: Group, ordered: Ordered): void {
  const { candidate } = ordered;
  const tieKey = tieKeyOf(candidate);
  let tieGroup = group.ties.get(tieKey);
  if (tieGroup === undefined) {
    tieGroup = { byValue: new Map(), others: [] };
    group.ties.set(tieKey, tieGroup);
  }
  const exact = exactValues(candidate)[0];
  if (exact === undefined) {
    group.others.push(ordered);
    tieGroup.others.push(candidate);
    return;
  }
  pushTo(group.byValue, `${exact.field}=${exact.value}`, ordered);
  let values = tieGroup.byValue.get(exact.field);
  if (values === undefined) {
    values = new Map();
    tieGroup.byValue.set(exact.field, values);
  }
  pushTo(values, exact.value, candidate);
}

function pushTo<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function exactValues({ headers, query }: Candidate): { field: string; value: string }[] {
  const values: { field: string; value: string }[] = [];
  for (const { kind, name, value } of headers) if (kind === 'exact') values.push({ field: `header ${name}`, value });
  for (const { kind, name, value } of query) if (kind === 'exact') values.push({ field: `query ${name}`, value });
  return values;
}

/** Equal for candidates of one group that `compareCandidates` finds equal. */
function tieKeyOf({ priority, methodScore, headers, query, protocols }: Candidate): string {
  return `${priority} ${methodScore} ${headers.length} ${query.length} ${protocols !== undefined}`;
}

function findTie(group: Group, candidate: Candidate): Tie | undefined {
  const tieGroup = group.ties.get(tieKeyOf(candidate));
  if (tieGroup === undefined) return undefined;
  const inOthers = tieIn(tieGroup.others, candidate);
  if (inOthers !== undefined) return inOthers;
  const own = new Map(exactValues(candidate).map(({ field, value }) => [field, value]));
  for (const [field, values] of tieGroup.byValue) {
    const value = own.get(field);
    // A candidate that does not ask for one value of the field could meet any.
    const lists = value === undefined ? values.values() : [values.get(value) ?? []];
    for (const list of lists) {
      const tie = tieIn(list, candidate);
      if (tie !== undefined) return tie;
    }
  }
  return undefined;
}

function tieIn(list: readonly Candidate[], second: Candidate): Tie | undefined {
  for (const first of list) {
    if (first.route === second.route) continue;
    const both = intersection(first, second);
    if (both !== undefined) return { first, second, both };
  }
  return undefined;
}

/** The candidates of other routes that together take every request of this one; undefined when none are found. */
function findHiders(tree: RouteTree<Group>, candidate: Candidate): { by: Candidate[]; example: Candidate } | undefined {
  const groups = coveringGroups(tree, candidate);
  if (groups.length === 0) return undefined;
  const by: Candidate[] = [];
  let example = candidate;
  for (const method of candidate.methods ?? [undefined]) {
    for (const protocol of candidate.protocols ?? (['https', 'http'] as const)) {
      const hider = findHider(groups, candidate, method, protocol);
      if (hider === undefined) return undefined;
      if (by.length === 0) example = { ...candidate, methods: method === undefined ? undefined : [method], protocols: [protocol] };
      if (!by.some((each) => each.route === hider.route)) by.push(hider);
    }
  }
  return { by, example };
}

function findHider(
  groups: readonly Group[],
  candidate: Candidate,
  method: string | undefined,
  protocol: 'http' | 'https',
): Candidate | undefined {
  let best: Ordered | undefined;
  for (const group of groups) {
    const lists = [group.others];
    for (const { field, value } of exactValues(candidate)) lists.push(group.byValue.get(`${field}=${value}`) ?? []);
    for (const list of lists) {
      const end = Math.min(list.length, LOOKED_AT);
      for (let i = 0; i < end; i++) {
        const ordered = list[i] as Ordered;
        if (best !== undefined && best.rank < ordered.rank) break;
        if (hides(ordered.candidate, candidate, method, protocol)) best = ordered;
      }
    }
  }
  return best?.candidate;
}

/** Host and path are known to be covered. */
function hides(wide: Candidate, narrow: Candidate, method: string | undefined, protocol: 'http' | 'https'): boolean {
  if (wide.route === narrow.route) return false;
  if (wide.methods !== undefined && (method === undefined || !wide.methods.includes(method))) return false;
  if (wide.protocols !== undefined && !wide.protocols.includes(protocol)) return false;
  if (!allImplied(narrow.headers, wide.headers) || !allImplied(narrow.query, wide.query)) return false;
  // Those that tie are reported as such.
  return compareCandidates(wide, narrow) < 0;
}

function allImplied(narrow: readonly Condition[], wide: readonly Condition[]): boolean {
  return wide.every((condition) => narrow.some((each) => each.name === condition.name && implies(each, condition)));
}

/** The groups whose host and path take everything that the candidate's host and path take. */
function coveringGroups(tree: RouteTree<Group>, { host, pattern }: Candidate): Group[] {
  const found: Group[] = [];
  const tables = [tree.anyHost];
  if (host !== undefined) {
    if (!host.startsWith('*.')) tables.push(tree.exactHosts.get(host));
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      tables.push(tree.hostSuffixes.get(host.slice(dot)));
    }
  }
  for (const table of tables) {
    if (table === undefined) continue;
    if (table.any !== undefined) found.push(...table.any);
    if (pattern === undefined) {
      // Every path begins with a slash: `/*` takes them all.
      if (table.root?.prefix !== undefined) found.push(...table.root.prefix);
      continue;
    }
    if (!pattern.prefix) found.push(...(table.literals.get(pattern.text) ?? []));
    if (table.root !== undefined) collect(table.root, 0, found);
  }
  return found;

  function collect(node: PathNode<Group>, depth: number, into: Group[]): void {
    if (node.prefix !== undefined) into.push(...node.prefix);
    const segment = pattern?.segments[depth];
    if (segment === undefined) {
      if (pattern?.prefix === false && node.exact !== undefined) into.push(...node.exact);
      return;
    }
    if ('literal' in segment) {
      const child = node.literals?.get(segment.literal);
      if (child !== undefined) collect(child, depth + 1, into);
    }
    // A capture takes no empty segment: the one that stands for a slash at the end.
    const empty = 'literal' in segment && segment.literal === '';
    if (node.capture !== undefined && !empty) collect(node.capture, depth + 1, into);
  }
}
