import { isRecord } from '../../lib/is-record.ts';
import { parsePattern } from '../../routing/pattern.ts';
import { type Candidate, candidatesOf, compareCandidates } from '../../routing/precedence.ts';
import { routeSchema } from '../../routing/schema.ts';
import type { Path } from '../config/place.ts';
import { common } from '../outcomes/common.ts';
import type { Writable } from './draft.ts';
import type { Findings } from './findings.ts';

/** A route of the draft, and where it stands in the order in which the other gateway asks its routes. */
export interface OrderedRoute {
  readonly name: string;
  readonly value: Writable;
  readonly origin: Path;
  /** Compared one after the other: the lesser goes first. Between equal ones the rules of here may decide. */
  readonly rank: readonly number[];
}

/** Each is compared with each. */
const MAX_ROUTES = 2000;
const MAX_PRIORITY = 1000;

/**
 * Gives routes the priorities that they need to be asked in their order, where the rules of precedence would have another one. A route that
 * shares no request with a later one needs none.
 */
export function setPriorities(routes: readonly OrderedRoute[], findings: Findings): void {
  const known = routes.flatMap((route) => {
    const candidates = candidatesOfRoute(route);
    return candidates === undefined ? [] : [{ route, candidates }];
  });
  const [first] = known;
  if (first === undefined) return;
  if (known.length > MAX_ROUTES) {
    findings.lost(
      first.route.origin,
      `there are more than ${MAX_ROUTES} routes, so that their order is not compared: the rules of here decide`,
      'docs/routing.md has the rules',
    );
    return;
  }
  const ordered = known.toSorted(
    (a, b) => compareRanks(a.route.rank, b.route.rank) || compareBest(a.candidates, b.candidates),
  );
  const given: number[] = [];
  for (let at = ordered.length - 1; at >= 0; at--) {
    const { route, candidates } = ordered[at] as (typeof ordered)[number];
    let priority = 0;
    for (let later = at + 1; later < ordered.length; later++) {
      const other = ordered[later] as (typeof ordered)[number];
      const decides = goesFirst(
        candidates,
        other.candidates,
        compareRanks(route.rank, other.route.rank) === 0,
      );
      if (decides !== undefined) priority = Math.max(priority, (given[later] ?? 0) + (decides ? 0 : 1));
    }
    given[at] = Math.min(priority, MAX_PRIORITY);
    if (priority > MAX_PRIORITY)
      findings.lost(route.origin, `goes before more than ${MAX_PRIORITY} others, which no priority can say`);
    if (priority > 0) route.value['priority'] = given[at];
  }
}

/** Undefined for a route that will not load. */
function candidatesOfRoute({ name, value }: OrderedRoute): Candidate[] | undefined {
  const parsed = routeSchema.shape.match.safeParse(isRecord(value['match']) ? value['match'] : {});
  if (!parsed.success || !(parsed.data.paths ?? []).every((path) => parsePattern(path).ok)) return undefined;
  return candidatesOf({ name, config: { match: parsed.data, priority: 0 } });
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareBest(a: readonly Candidate[], b: readonly Candidate[]): number {
  const [one, other] = [a, b].map((candidates) => candidates.toSorted(compareCandidates)[0]);
  return one === undefined || other === undefined ? 0 : compareCandidates(one, other);
}

/** Whether the rules alone ask the first before the second wherever both take a request; undefined where none is for both. */
function goesFirst(
  first: readonly Candidate[],
  second: readonly Candidate[],
  mayTie: boolean,
): boolean | undefined {
  let decides: boolean | undefined;
  for (const one of first)
    for (const other of second) {
      if (common(one, other) === undefined) continue;
      const order = compareCandidates(one, other);
      decides = (decides ?? true) && (order < 0 || (order === 0 && mayTie));
    }
  return decides;
}
