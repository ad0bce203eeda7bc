import { checkRoutes, type RouteProblem } from '../../routing/check.ts';
import { parsePattern } from '../../routing/pattern.ts';
import { findTrespasses, type OwnedPrefix, type OwnedRoute, type Trespass } from '../rights/territory.ts';
import type { NamedRoute } from './load-cache.ts';
import type { Problem } from './problem.ts';

/**
 * How routes stand to each other. Ties, and routes of one organization on hosts and paths of another, are errors; routes that can never match are warnings.
 * `apiOf` are the APIs of routes that were made of one.
 */
export function checkMatching(
  routes: readonly NamedRoute[],
  apiOf: ReadonlyMap<string, string>,
  prefixes: readonly OwnedPrefix[],
): Problem[] {
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
    ...trespasses(routes, prefixes),
  ];
}

function trespasses(routes: readonly NamedRoute[], prefixes: readonly OwnedPrefix[]): Problem[] {
  const sound = routes.filter(([, { match }]) => match.paths?.every((path) => parsePattern(path).ok) ?? true);
  const owned = sound.map(
    ([name, { match, priority, organization }]): OwnedRoute => ({
      name,
      organization,
      config: { match, priority },
    }),
  );
  return findTrespasses(owned, prefixes).map((found) => ({
    path: ['routes', found.route.name, 'match'],
    message: trespassText(found),
    related: found.other,
    example: found.example,
  }));
}

/** It says nothing of the other, and so not where they meet: whoever reads it need not know of that. */
function trespassText({ kind, route: { organization = '' }, claim }: Trespass): string {
  switch (kind) {
    case 'path':
      return `${organization} would take requests of somebody else, or lose some to them, who has a part of ${claim}`;
    case 'prefix':
      return `${organization} would take requests of somebody else, whose path prefix ${claim} reaches: name hosts, or paths below its own prefix`;
    case 'well-known':
      return `${organization} would speak for a host of which somebody else has a part: ${claim} takes what is below /.well-known/`;
  }
}

/** What messages call a route that an API became. */
function titleOf(route: string, api: string): string {
  return route === api ? `the API ${api}` : `the operation ${route} of the API ${api}`;
}
