import type { PathPattern } from '../../routing/pattern.ts';
import { type Candidate, candidatesOf, type MatchedRoute } from '../../routing/precedence.ts';
import { example } from '../../routing/witness.ts';
import { TerritoryMap } from './territory-map.ts';

/** A route and whose it is; undefined: of no organization. */
export interface OwnedRoute extends MatchedRoute {
  readonly organization: string | undefined;
}

/** Two routes of different owners that a host and a path have in common. */
export interface Trespass {
  readonly route: OwnedRoute;
  readonly other: OwnedRoute;
  /** Hosts and paths of `route`, of which the other has a part. */
  readonly claim: string;
  /** A request on that host and path, as `portcullis explain` takes it. */
  readonly example: string;
}

/**
 * Routes on hosts and paths of which another owner has a part: one of the two would take requests of the other, or lose them to it. Methods, header
 * fields and the like do not divide a path: whoever has it has it whole. A route without an organization counts as another owner, unless it takes
 * every path: then it is what answers where nothing else does, and others may stand before it. At most one for each route; nothing where no
 * route has an organization.
 */
export function findTrespasses(routes: readonly OwnedRoute[]): Trespass[] {
  if (routes.every((route) => route.organization === undefined)) return [];
  const claims = routes.flatMap((route) => claimsOf(route));
  const map = new TerritoryMap<Candidate<OwnedRoute>>(
    claims.map((candidate) => ({ ...candidate, owner: candidate.route.organization ?? '', item: candidate })),
  );
  const found: Trespass[] = [];
  let last: OwnedRoute | undefined;
  for (const claim of claims) {
    if (claim.route.organization === undefined || claim.route === last) continue;
    const other = map.otherOwner(claim.route.organization, claim.host, claim.pattern);
    if (other === undefined) continue;
    last = claim.route;
    found.push({
      route: claim.route,
      other: other.route,
      claim: `${claim.pattern?.text ?? '/*'} on ${claim.host ?? 'any host'}`,
      example: exampleOf(claim, other),
    });
  }
  return found;
}

/** One for each host and path. */
function claimsOf(route: OwnedRoute): Candidate<OwnedRoute>[] {
  const all = candidatesOf(route).filter(({ methodScore }) => methodScore !== 1);
  return route.organization === undefined ? all.filter(({ pattern }) => !isWhole(pattern)) : all;
}

function isWhole(pattern: PathPattern | undefined): boolean {
  return pattern === undefined || (pattern.prefix && pattern.segments.length === 0);
}

function exampleOf(claim: Candidate, other: Candidate): string {
  return example({
    ...claim,
    host: narrowerHost(claim.host, other.host),
    pattern: commonPattern(claim.pattern, other.pattern),
  });
}

/** Both are known to meet, so that one host is within the other. */
function narrowerHost(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (!a.startsWith('*.')) return a;
  return b.startsWith('*.') && b.length < a.length ? a : b;
}

/** A pattern within both, which are known to meet. */
function commonPattern(a: PathPattern | undefined, b: PathPattern | undefined): PathPattern | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const [longer, shorter] = a.segments.length >= b.segments.length ? [a, b] : [b, a];
  const segments = longer.segments.map((segment, index) => {
    const other = shorter.segments[index];
    return other !== undefined && 'literal' in other ? other : segment;
  });
  return { ...longer, segments, prefix: a.prefix && b.prefix };
}
