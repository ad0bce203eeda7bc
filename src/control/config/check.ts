import { parseCidr } from '../../lib/cidr.ts';
import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import { isSecretField } from '../../observability/secrets.ts';
import { checkCertificates } from '../acme/check.ts';
import { checkApis } from '../apis/check.ts';
import { checkAdmin } from './check-admin.ts';
import { checkIdentity } from './check-identity.ts';
import { checkServices } from './check-services.ts';
import { entriesOf, type Path } from './place.ts';
import type { Problem } from './problem.ts';
import { checkReference, namesOf } from './references.ts';

/**
 * What no schema can say: references between the parts, and what excludes or needs what. It looks at the configuration as it
 * was written, so that its errors come together with the schema's; what has a wrong type is the schema's to tell and skipped here.
 * `routes` are those to look at, such as without those that nothing is wrong with; `apiOf` has the APIs of routes that were made of one.
 */
export function checkMeaning(
  config: unknown,
  routes: readonly (readonly [name: string, route: unknown])[],
  apiOf: ReadonlyMap<string, string>,
): Problem[] {
  if (!isRecord(config)) return [];
  const problems: Problem[] = [];
  checkListeners(config, problems);
  problems.push(...checkCertificates(config));
  checkServices(config, problems);
  checkRouteTargets(routes, namesOf(config['services']), namesOf(config['sessions']), problems);
  checkObservability(config['observability'], problems);
  checkConsumers(config, problems);
  checkIdentity(config, problems);
  checkApis(config, apiOf, problems);
  return problems;
}

function checkListeners(config: Record<string, unknown>, problems: Problem[]): void {
  const listeners = config['listeners'];
  const certificates = namesOf(config['certificates']);
  if (isRecord(listeners) && Object.keys(listeners).length === 0)
    problems.push({ path: ['listeners'], message: 'must have at least one listener' });
  const taken = new Map<string, string>();
  for (const [name, listener] of entriesOf(listeners)) {
    const path = ['listeners', name];
    if (!isRecord(listener)) continue;
    const tls = listener['tls'];
    if (tls !== undefined && listener['protocol'] !== 'https')
      problems.push({
        path: [...path, 'tls'],
        message: 'is for protocol https only; this listener would speak plain HTTP',
        atKey: true,
      });
    const used = isRecord(tls) ? tls['certificates'] : undefined;
    if (listener['protocol'] === 'https' && used === undefined && certificates.size === 0)
      problems.push({
        path,
        severity: 'warning',
        message: 'has no certificate: until there is one in `certificates`, every handshake is refused',
      });
    if (Array.isArray(used))
      used.forEach((certificate, index) =>
        checkReference(
          certificate,
          certificates,
          'certificate',
          [...path, 'tls', 'certificates', index],
          problems,
        ),
      );
    if (isRecord(tls)) checkVersions(tls, [...path, 'tls'], problems);
    const forwarding = listener['forwarding'];
    checkTrust(
      isRecord(forwarding) ? forwarding['trust'] : undefined,
      [...path, 'forwarding', 'trust'],
      problems,
    );
    checkAddress(listener, name, taken, path, problems);
  }
  checkAdmin(config, taken, problems);
}

function checkVersions(tls: Record<string, unknown>, path: Path, problems: Problem[]): void {
  const { profile, minVersion, ciphers } = tls;
  if (profile === 'modern' && minVersion === '1.2')
    problems.push({
      path: [...path, 'minVersion'],
      message: 'the profile modern speaks TLS 1.3 alone: say profile: intermediate for TLS 1.2',
    });
  const isNewOnly = minVersion === '1.3' || (profile === 'modern' && minVersion === undefined);
  const hasNew = (cipher: unknown) => typeof cipher === 'string' && cipher.startsWith('TLS_');
  if (isNewOnly && Array.isArray(ciphers) && !ciphers.some(hasNew))
    problems.push({
      path: [...path, 'ciphers'],
      message: 'has no cipher of TLS 1.3 (TLS_...), and nothing older is spoken',
    });
}

function checkAddress(
  listener: Record<string, unknown>,
  name: string,
  taken: Map<string, string>,
  path: Path,
  problems: Problem[],
): void {
  const { port, address = '0.0.0.0' } = listener;
  if (typeof port !== 'number' || port === 0 || typeof address !== 'string') return;
  const key = `${address.toLowerCase()} ${port}`;
  const other = taken.get(key);
  if (other !== undefined)
    problems.push({
      path: [...path, 'port'],
      message: `the listener ${other} has the address ${address} and port ${port} already`,
    });
  else taken.set(key, name);
}

function checkTrust(trust: unknown, path: Path, problems: Problem[]): void {
  if (!Array.isArray(trust)) return;
  trust.forEach((range: unknown, index) => {
    if (typeof range !== 'string') return;
    const parsed = parseCidr(range);
    if (parsed.kind === 'refused')
      problems.push({ path: [...path, index], message: `is not an address or a range: ${parsed.reason}` });
  });
}

const OUTCOMES = ['service', 'split', 'respond', 'redirect', 'login'] as const;
const ROUTE_KEYS = [
  'organization',
  'enabled',
  'match',
  'priority',
  'policies',
  ...OUTCOMES,
  'splitBy',
  'splitOverride',
  'mirror',
  'rewrite',
  'timeout',
];

function checkRouteTargets(
  routes: readonly (readonly [name: string, route: unknown])[],
  services: ReadonlySet<string>,
  sessions: ReadonlySet<string>,
  problems: Problem[],
): void {
  for (const [name, route] of routes) {
    if (!isRecord(route)) continue;
    const path = ['routes', name];
    const chosen = OUTCOMES.filter((outcome) => route[outcome] !== undefined);
    for (const second of chosen.slice(1))
      problems.push({
        path: [...path, second],
        message: `the route has ${chosen[0]} already: one of ${OUTCOMES.join(', ')} is allowed`,
        atKey: true,
      });
    if (chosen.length === 0 && !hasMisspeltOutcome(route))
      problems.push({ path, message: `needs one of ${OUTCOMES.join(', ')}` });
    checkReference(route['service'], services, 'service', [...path, 'service'], problems);
    checkReference(route['login'], sessions, 'kind of sessions', [...path, 'login'], problems);
    checkShaping(route, path, services, problems);
    const { split } = route;
    if (!Array.isArray(split)) continue;
    split.forEach((entry: unknown, index) => {
      if (isRecord(entry))
        checkReference(entry['service'], services, 'service', [...path, 'split', index, 'service'], problems);
    });
  }
}

/** What goes with a split, and the mirror. */
function checkShaping(
  route: Record<string, unknown>,
  path: Path,
  services: ReadonlySet<string>,
  problems: Problem[],
): void {
  const { split, splitOverride, mirror } = route;
  for (const option of ['splitBy', 'splitOverride'] as const) {
    if (route[option] !== undefined && split === undefined)
      problems.push({ path: [...path, option], message: 'is for a route with split', atKey: true });
  }
  const values = isRecord(splitOverride) ? splitOverride['values'] : undefined;
  if (Array.isArray(split)) {
    const own = new Set(split.flatMap((entry) => (isRecord(entry) ? [String(entry['service'])] : [])));
    for (const [value, service] of entriesOf(values))
      checkReference(
        service,
        own,
        'service of the split',
        [...path, 'splitOverride', 'values', value],
        problems,
      );
  }
  if (mirror === undefined) return;
  if (['respond', 'redirect', 'login'].some((outcome) => route[outcome] !== undefined))
    problems.push({
      path: [...path, 'mirror'],
      message: 'is for a route with service or split: nothing is sent that could be copied',
      atKey: true,
    });
  if (isRecord(mirror))
    checkReference(mirror['service'], services, 'service', [...path, 'mirror', 'service'], problems);
}

/** Then the unknown key is told of, and that is enough. */
function hasMisspeltOutcome(route: Record<string, unknown>): boolean {
  return Object.keys(route).some((key) => {
    const meant = ROUTE_KEYS.includes(key) ? undefined : nearest(key, ROUTE_KEYS);
    return meant !== undefined && (OUTCOMES as readonly string[]).includes(meant);
  });
}

function checkConsumers(config: Record<string, unknown>, problems: Problem[]): void {
  const plans = namesOf(config['plans']);
  for (const [name, consumer] of entriesOf(config['consumers']))
    if (isRecord(consumer))
      checkReference(consumer['plan'], plans, 'plan', ['consumers', name, 'plan'], problems);
}

function checkObservability(observability: unknown, problems: Problem[]): void {
  const accessLog = isRecord(observability) ? observability['accessLog'] : undefined;
  const headers = isRecord(accessLog) ? accessLog['headers'] : undefined;
  if (!Array.isArray(headers)) return;
  headers.forEach((header: unknown, index) => {
    if (typeof header === 'string' && isSecretField(header)) {
      problems.push({
        path: ['observability', 'accessLog', 'headers', index],
        message: `${JSON.stringify(header)} carries secrets and is never logged`,
      });
    }
  });
}
