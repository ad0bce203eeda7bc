import { isRecord } from '../../lib/is-record.ts';
import { parseDuration } from '../../lib/units.ts';
import { parsePattern } from '../../routing/pattern.ts';
import { canonicalUrl } from '../../upstream/discovery/target-description.ts';
import { BACK_OFF_DEFAULTS } from '../../upstream/retry/schema.ts';
import { entriesOf, type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';
import { checkReference, namesOf } from './references.ts';

/** The part of `checkMeaning` that is about services. `config` is all of it, since services are named by routes and by each other. */
export function checkServices(config: Record<string, unknown>, problems: Problem[]): void {
  const { services, routes } = config;
  const names = namesOf(services);
  for (const [name, service] of entriesOf(services)) {
    if (!isRecord(service)) continue;
    const path = ['services', name];
    checkPlaces(service, path, problems);
    checkRetry(service['retry'], [...path, 'retry'], problems);
    checkTls(service['tls'], [...path, 'tls'], problems);
    checkFallback(service['fallback'], name, names, [...path, 'fallback', 'service'], problems);
    const param = valueAt(service, ['balance', 'hash', 'param']);
    if (typeof param === 'string')
      checkParam(param, routesTo(name, services, routes), [...path, 'balance', 'hash', 'param'], problems);
  }
}

const PLACES = ['url', 'targets', 'discovery'] as const;

/** Where the service runs is said once. */
function checkPlaces(service: Record<string, unknown>, path: Path, problems: Problem[]): void {
  const [first, ...others] = PLACES.filter((place) => service[place] !== undefined);
  if (first === undefined) problems.push({ path, message: 'needs one of url, targets and discovery' });
  for (const other of others)
    problems.push({
      path: [...path, other],
      message:
        first === 'url' && other === 'targets'
          ? 'has both url and targets: write the url as one of the targets'
          : `has both ${first} and ${other}: where the service runs is said once`,
      atKey: true,
    });
  const { url, targets } = service;
  checkUrl(url, [...path, 'url'], problems);
  if (!Array.isArray(targets)) return;
  targets.forEach((target: unknown, index) =>
    checkUrl(isRecord(target) ? target['url'] : undefined, [...path, 'targets', index, 'url'], problems),
  );
  checkRepeated(targets, [...path, 'targets'], problems);
  if (allWeightsZero(targets))
    problems.push({
      path: [...path, 'targets'],
      message: 'every target has weight 0: no request could be sent',
      atKey: true,
    });
}

function checkUrl(url: unknown, path: Path, problems: Problem[]): void {
  // What does not even look like one is the schema's to tell.
  if (typeof url === 'string' && /^https?:\/\/[^/?#@\s]+\/?$/.test(url) && !URL.canParse(url))
    problems.push({ path, message: 'is not a valid address: look at the host and the port' });
}

/** One target has one weight: of two entries for it, one would be without effect. */
function checkRepeated(targets: readonly unknown[], path: Path, problems: Problem[]): void {
  const seen = new Map<string, number>();
  targets.forEach((target: unknown, index) => {
    const url = isRecord(target) ? target['url'] : undefined;
    const canonical = typeof url === 'string' ? canonicalUrl(url) : undefined;
    if (canonical === undefined) return;
    const first = seen.get(canonical);
    if (first === undefined) seen.set(canonical, index);
    else
      problems.push({
        path: [...path, index, 'url'],
        message: `is the same target as targets[${first}]: write it once, with the weight of both`,
      });
  });
}

function allWeightsZero(entries: readonly unknown[]): boolean {
  return entries.length > 0 && entries.every((entry) => isRecord(entry) && entry['weight'] === 0);
}

function checkRetry(retry: unknown, path: Path, problems: Problem[]): void {
  if (!isRecord(retry)) return;
  const { backOff, perTry, on } = retry;
  const written = isRecord(backOff) ? backOff : {};
  const { base, max }: Record<string, unknown> = { ...BACK_OFF_DEFAULTS, ...written };
  if (millisecondsOf(base) > millisecondsOf(max))
    problems.push({
      path: [...path, 'backOff', written['base'] === undefined ? 'max' : 'base'],
      message: `the wait would begin with up to ${String(base)} and end with up to ${String(max)}: base is at most max`,
    });
  const timed = Array.isArray(on) && on.includes('timeout');
  if (millisecondsOf(perTry) > 0 && !timed)
    problems.push({
      path: [...path, 'perTry'],
      message: 'ends an attempt that nothing follows: write timeout in `on` too',
      atKey: true,
    });
}

/** NaN for what is no duration, which is the schema's to tell. */
function millisecondsOf(written: unknown): number {
  return typeof written === 'string' ? (parseDuration(written) ?? Number.NaN) : Number.NaN;
}

function checkTls(tls: unknown, path: Path, problems: Problem[]): void {
  if (!isRecord(tls) || (tls['cert'] === undefined) === (tls['key'] === undefined)) return;
  const missing = tls['cert'] === undefined ? 'cert' : 'key';
  problems.push({ path, message: `needs ${missing} too: a client certificate is both cert and key` });
}

function checkFallback(
  fallback: unknown,
  own: string,
  services: ReadonlySet<string>,
  path: Path,
  problems: Problem[],
): void {
  const name = isRecord(fallback) ? fallback['service'] : undefined;
  if (name === own) problems.push({ path, message: 'is the service itself: name another one' });
  else checkReference(name, services, 'service', path, problems);
}

/** Requests without a key go anywhere, so that a name which no route captures turns hashing off without a word. */
function checkParam(
  param: string,
  routes: readonly Record<string, unknown>[],
  path: Path,
  problems: Problem[],
): void {
  if (routes.length === 0 || routes.some((route) => captures(route, param))) return;
  problems.push({
    severity: 'warning',
    path,
    message: `no route to this service captures {${param}}: its requests go to any target`,
  });
}

function captures(route: Record<string, unknown>, name: string): boolean {
  const paths = valueAt(route, ['match', 'paths']);
  if (!Array.isArray(paths)) return false;
  return paths.some((path) => {
    const parsed = typeof path === 'string' ? parsePattern(path) : undefined;
    return parsed?.ok === true && parsed.pattern.captureNames.includes(name);
  });
}

/** The routes whose requests a service may get: as their service, one of their split, their mirror, or as a fallback. */
function routesTo(service: string, services: unknown, routes: unknown): Record<string, unknown>[] {
  const names = new Set([service]);
  for (const [name, other] of entriesOf(services))
    if (valueAt(other, ['fallback', 'service']) === service) names.add(name);
  return entriesOf(routes).flatMap(([, route]) => {
    if (!isRecord(route)) return [];
    const { split } = route;
    const parts = Array.isArray(split) ? split.map((entry) => valueAt(entry, ['service'])) : [];
    const sendsTo = [route['service'], ...parts].some((name) => names.has(name as string));
    return sendsTo || valueAt(route, ['mirror', 'service']) === service ? [route] : [];
  });
}
