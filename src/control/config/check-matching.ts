import { checkRoutes, type RouteProblem } from '../../routing/check.ts';
import { parsePattern } from '../../routing/pattern.ts';
import { findTrespasses, type OwnedRoute } from '../rights/territory.ts';
import type { NamedRoute } from './load-cache.ts';
import type { Problem } from './problem.ts';

/**
 * How routes stand to each other. Ties, and routes of one organization on hosts and paths of another, are errors; routes that can never match are warnings.
 * `apiOf` are the APIs of routes that were made of one.
 */
export function checkMatching(routes: readonly NamedRoute[], apiOf: ReadonlyMap<string, string>): Problem[] {
  const toCheck = routes.map(([name, config]) => {
    const api = apiOf.get(name);
    return api === undefined ? { name, config } : { name, config, title: titleOf(name, api) };
  });
  const owners = new Map(routes.map(([name, { organization }]) => [name, organization]));
  const ofOneOwner = ({ route, other }: RouteProblem): boolean => {
    const owner = owners.get(route);
    const otherOwner = other === undefined ? undefined : owners.get(other);
    // Whose route it is would be told; and that they meet is an error already.
    return owner === undefined || otherOwner === undefined || owner === otherOwner;
  };
  return [
    ...checkRoutes(toCheck)
      .filter(ofOneOwner)
      .map((found) => ({
        severity: found.severity,
        path: ['routes', found.route, ...found.path],
        message: found.message,
        atKey: found.path.length === 0,
        ...(found.other === undefined ? {} : { related: ['routes', found.other] }),
        ...(found.example === undefined ? {} : { example: found.example }),
      })),
    ...trespasses(routes),
  ];
}

function trespasses(routes: readonly NamedRoute[]): Problem[] {
  const sound = routes.filter(([, { match }]) => match.paths?.every((path) => parsePattern(path).ok) ?? true);
  const owned = sound.map(
    ([name, { match, priority, organization }]): OwnedRoute => ({
      name,
      organization,
      config: { match, priority },
    }),
  );
  // The message says nothing of the other, and so not where they meet: whoever reads it need not know of that.
  return findTrespasses(owned).map(({ route, other, claim, example }) => ({
    path: ['routes', route.name, 'match'],
    message: `${route.organization ?? ''} would take requests of somebody else, or lose some to them, who has a part of ${claim}`,
    related: ['routes', other.name],
    example,
  }));
}

/** What messages call a route that an API became. */
function titleOf(route: string, api: string): string {
  return route === api ? `the API ${api}` : `the operation ${route} of the API ${api}`;
}
