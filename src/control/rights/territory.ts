import { type PathPattern, parsePattern } from '../../routing/pattern.ts';
import { type Candidate, candidatesOf, type MatchedRoute } from '../../routing/precedence.ts';
import { example } from '../../routing/witness.ts';
import { type Claim, TerritoryMap } from './territory-map.ts';

/** A route and whose it is; undefined: of no organization. */
export interface OwnedRoute extends MatchedRoute {
  readonly organization: string | undefined;
}

/** An organization and what the paths of its APIs without hosts begin with: `/` is none. */
export interface OwnedPrefix {
  readonly organization: string;
  readonly prefix: string;
}

/** A route where another owner has a part. */
export interface Trespass {
  readonly route: OwnedRoute;
  /** `path`: of its hosts and paths; `prefix`: below a path prefix; `well-known`: of its hosts, and it takes what speaks for all of a host. */
  readonly kind: 'path' | 'prefix' | 'well-known';
  /** What of the other owner's it meets. */
  readonly other: readonly [collection: 'routes' | 'organizations', name: string];
  /** Hosts and paths of `route`, of which the other has a part. */
  readonly claim: string;
  /** A request on that host and path, as `portcullis explain` takes it. */
  readonly example: string;
}

interface Place {
  readonly host: string | undefined;
  readonly pattern: PathPattern | undefined;
  readonly of: Trespass['other'];
}

/**
 * Routes on hosts and paths of which another owner has a part: one of the two would take requests of the other, or lose them to it. Methods, header
 * fields and the like do not divide a path: whoever has it has it whole. A route without an organization counts as another owner, unless it takes
 * every path: then it is what answers where nothing else does, and others may stand before it with paths that they name. What is below the prefix of
 * an organization is its own where no host is named, and what is below /.well-known/ nobody's where several have a host. At most one for each route;
 * nothing where no route has an organization.
 */
export function findTrespasses(
  routes: readonly OwnedRoute[],
  prefixes: readonly OwnedPrefix[] = [],
): Trespass[] {
  if (routes.every((route) => route.organization === undefined)) return [];
  const claims = routes.flatMap((route) =>
    candidatesOf(route).filter(({ methodScore }) => methodScore !== 1),
  );
  const taken = new TerritoryMap(claims.filter((claim) => !isFallback(claim)).map(placed));
  const fallbacks = new TerritoryMap(
    claims.filter((claim) => isFallback(claim) && claim.host !== undefined).map(placed),
    claims,
  );
  const reserved = new TerritoryMap<Place>(prefixes.flatMap(reservedBy));
  const found: Trespass[] = [];
  let last: OwnedRoute | undefined;
  for (const claim of claims) {
    const { host, pattern, route } = claim;
    const { organization } = route;
    if (organization === undefined || route === last) continue;
    const add = (kind: Trespass['kind'], other: Place | undefined): boolean => {
      if (other === undefined) return false;
      last = route;
      found.push({
        route,
        kind,
        other: other.of,
        claim: `${pattern?.text ?? '/*'} on ${host ?? 'any host'}`,
        example: exampleOf(claim, other),
      });
      return true;
    };
    if (add('path', taken.otherOwner(organization, host, pattern))) continue;
    if (!namesStart(pattern) && add('path', fallbacks.otherOwner(organization, host, pattern))) continue;
    if (host === undefined && add('prefix', reserved.otherOwner(organization, host, pattern))) continue;
    const wellKnown = wellKnownPart(pattern);
    if (wellKnown === undefined) continue;
    const sharing = taken.otherOwner(organization, host) ?? fallbacks.otherOwner(organization, host);
    add('well-known', sharing && { ...sharing, pattern: wellKnown });
  }
  return found;
}

function reservedBy({ organization, prefix }: OwnedPrefix): Claim<Place>[] {
  if (prefix === '/') return [];
  return [prefix, `${prefix}/*`].flatMap((text) => {
    // One that is no path is told of where it is written.
    const parsed = parsePattern(text);
    if (!parsed.ok) return [];
    const place = { host: undefined, pattern: parsed.pattern };
    return [{ ...place, owner: organization, item: { ...place, of: ['organizations', organization] } }];
  });
}

const CHALLENGES = patternOf('/.well-known/acme-challenge/*');
const CHALLENGE_MAP = new TerritoryMap([
  { owner: '', host: undefined, pattern: CHALLENGES, item: CHALLENGES },
]);

/** RFC 8615: what is below /.well-known/ is said of all of a host; RFC 8555 section 8.3: whoever answers challenges there gets certificates for it. */
function wellKnownPart(pattern: PathPattern | undefined): PathPattern | undefined {
  const first = pattern?.segments[0];
  if (first !== undefined && 'literal' in first && first.literal === '.well-known') return pattern;
  return CHALLENGE_MAP.otherOwner('anybody', undefined, pattern);
}

function patternOf(text: string): PathPattern {
  const parsed = parsePattern(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
  return parsed.pattern;
}

function placed({ host, pattern, route }: Candidate<OwnedRoute>): Claim<Place> {
  const owner = route.organization ?? '';
  return { owner, host, pattern, item: { host, pattern, of: ['routes', route.name] } };
}

function isFallback({ pattern, route }: Candidate<OwnedRoute>): boolean {
  return (
    route.organization === undefined && (pattern?.segments.length ?? 0) === 0 && pattern?.prefix !== false
  );
}

/** Whether it says what its paths begin with: else it may be meant to take all. */
function namesStart(pattern: PathPattern | undefined): boolean {
  const first = pattern?.segments[0];
  return first !== undefined ? 'literal' in first : pattern?.prefix === false;
}

function exampleOf(claim: Candidate, other: Place): string {
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
