import { findOverlaps, type Hidden, type Tie } from './overlap.ts';
import { type PathPattern, parsePattern } from './pattern.ts';
import { comparePatterns, decidingCriterion } from './precedence.ts';
import { parseTemplate, written } from './rewrite.ts';
import type { RouteConfig } from './schema.ts';
import { example } from './witness.ts';

export interface RouteProblem {
  /** An error refuses the configuration, a warning does not. */
  readonly severity: 'error' | 'warning';
  /** Name of the route. */
  readonly route: string;
  /** Keys from the route's configuration to what is wrong; empty for the whole route. */
  readonly path: readonly (string | number)[];
  /** Begins with what is wrong, without the route's name. */
  readonly message: string;
  /** The other route, of a tie or of one that hides this one. */
  readonly other?: string;
  /** A request that shows it, as `portcullis explain` takes it. */
  readonly example?: string;
}

/** What is checked of a route. */
export interface CheckedRoute {
  readonly name: string;
  readonly title?: string;
  readonly config: Pick<RouteConfig, 'match' | 'priority' | 'rewrite' | 'redirect' | 'split'>;
}

/**
 * What the schema cannot see: bad paths, captures that are not there, splits that can pick nothing, routes that tie (errors), and
 * routes that can never match (warnings). Takes time in proportion to the number of routes.
 */
export function checkRoutes(routes: readonly CheckedRoute[]): RouteProblem[] {
  const problems: RouteProblem[] = [];
  const sound: CheckedRoute[] = [];
  for (const route of routes) {
    const patterns = checkPaths(route, problems);
    if (patterns === undefined) continue;
    sound.push(route);
    checkTemplate(route, patterns, ['rewrite', 'path'], route.config.rewrite?.path, problems);
    checkPrefix(route, problems);
    checkTemplate(route, patterns, ['redirect', 'path'], route.config.redirect?.path, problems);
    if (route.config.split?.every((entry) => entry.weight === 0)) {
      problems.push(error(route, ['split'], 'no service has a weight above 0'));
    }
  }
  const { ties, hidden } = findOverlaps(sound);
  const reported = new Set<string>();
  for (const tie of ties) {
    const key = JSON.stringify([tie.first.route.name, tie.second.route.name]);
    if (!reported.has(key)) problems.push(tieProblem(tie));
    reported.add(key);
  }
  for (const each of hidden) problems.push(hiddenProblem(each));
  return problems;
}

/** The route's patterns, none for a route without paths; undefined when one of them is bad. */
function checkPaths(route: CheckedRoute, problems: RouteProblem[]): PathPattern[] | undefined {
  const patterns: PathPattern[] = [];
  let sound = true;
  for (const [index, path] of (route.config.match.paths ?? []).entries()) {
    const parsed = parsePattern(path);
    if (!parsed.ok) {
      problems.push(error(route, ['match', 'paths', index], `${path}: ${parsed.message}`));
      sound = false;
      continue;
    }
    const { pattern } = parsed;
    const same = patterns.find(
      (other) => comparePatterns(other, pattern) === 0 && sameLiterals(other, pattern),
    );
    if (same !== undefined) {
      const message = `${path} takes the same requests as ${same.text} of the same route and is never used`;
      problems.push({ severity: 'warning', route: route.name, path: ['match', 'paths', index], message });
    }
    patterns.push(pattern);
  }
  return sound ? patterns : undefined;
}

function sameLiterals(a: PathPattern, b: PathPattern): boolean {
  return a.segments.every((segment, index) => {
    const other = b.segments[index];
    return (
      !('literal' in segment) ||
      (other !== undefined && 'literal' in other && other.literal === segment.literal)
    );
  });
}

function checkTemplate(
  route: CheckedRoute,
  patterns: readonly PathPattern[],
  path: readonly string[],
  template: string | undefined,
  problems: RouteProblem[],
): void {
  if (template === undefined) return;
  const parsed = parseTemplate(template);
  if (!parsed.ok) {
    problems.push(error(route, path, `${template}: ${parsed.message}`));
    return;
  }
  for (const name of parsed.captureNames) {
    const lacking = patterns.find((pattern) => !pattern.captureNames.includes(name));
    if (lacking === undefined && patterns.length > 0) continue;
    const where =
      lacking === undefined
        ? 'the route has no paths; give it the path /*'
        : `the path ${lacking.text} has none`;
    problems.push(error(route, path, `${template}: uses ${written(name)}, but ${where}`));
  }
}

function checkPrefix(route: CheckedRoute, problems: RouteProblem[]): void {
  const { stripPrefix: prefix, path } = route.config.rewrite ?? {};
  if (prefix === undefined) return;
  const at = ['rewrite', 'stripPrefix'];
  if (path !== undefined)
    problems.push(error(route, at, 'does not go with `path`: the path is rewritten in one way'));
  const { paths } = route.config.match;
  if (paths === undefined)
    problems.push(error(route, at, `the route has no paths; give it the path ${prefix}/*`));
  for (const each of paths ?? [])
    if (each !== prefix && !each.startsWith(`${prefix}/`))
      problems.push(error(route, at, `the path ${each} does not begin so`));
}

function tieProblem({ first, second, both }: Tie): RouteProblem {
  const other = first.route.name;
  return {
    severity: 'error',
    route: second.route.name,
    path: ['match'],
    message: `ties with ${first.route.title ?? other}: both match, and nothing says which goes first. Give one of them a priority`,
    other,
    example: example(both),
  };
}

function hiddenProblem({ route, candidate, by, example: shown }: Hidden): RouteProblem {
  const first = by[0];
  if (first === undefined) throw new Error('a hidden route has one that hides it');
  const names = by.map(({ route: hider }) => hider.title ?? hider.name).join(', ');
  const rule = decidingCriterion(first, candidate) ?? 'order';
  return {
    severity: 'warning',
    route: route.name,
    path: ['match'],
    message: `can never match: ${names} ${by.length === 1 ? 'takes' : 'take'} every request that it could, by the rule of ${rule}`,
    other: first.route.name,
    example: example(shown),
  };
}

function error(route: CheckedRoute, path: readonly (string | number)[], message: string): RouteProblem {
  return { severity: 'error', route: route.name, path, message };
}
