import { coversHost } from '../../lib/certificate-hosts.ts';
import { isRecord } from '../../lib/is-record.ts';
import { hostsOfCertificate, type ListenerCertificate } from './certificates.ts';
import type { NamedRoute } from './load-cache.ts';
import { entriesOf, valueAt } from './place.ts';
import type { Problem } from './problem.ts';

/**
 * Warns of hosts of routes whose clients would get a certificate that is not for them: no certificate of an https listener is. A wildcard
 * host needs a certificate with that wildcard. `certificates` are those that were read; what ACME orders counts for its hosts.
 */
export function uncoveredHosts(
  config: Readonly<Record<string, unknown>>,
  certificates: ReadonlyMap<string, ListenerCertificate>,
  routes: readonly NamedRoute[],
): Problem[] {
  const written = new Map(entriesOf(config['certificates']));
  const shown = new Set<string>();
  for (const [, listener] of entriesOf(config['listeners'])) {
    if (!isRecord(listener) || listener['protocol'] !== 'https') continue;
    const named = valueAt(listener, ['tls', 'certificates']);
    for (const name of Array.isArray(named) ? named : written.keys()) shown.add(String(name));
  }
  const hosts = new Set<string>();
  for (const name of shown)
    for (const host of hostsOfCertificate(written.get(name), certificates.get(name))) hosts.add(host);
  // Without HTTPS nobody looks, and that there is no certificate at all is told already.
  if (hosts.size === 0) return [];
  return routes.flatMap(([route, { match }]) =>
    match.protocols !== undefined && !match.protocols.includes('https')
      ? []
      : (match.hosts ?? []).flatMap((host, index): Problem[] =>
          coversHost(hosts, host.toLowerCase()) ? [] : [warning(route, index, host)],
        ),
  );
}

function warning(route: string, index: number, host: string): Problem {
  return {
    severity: 'warning',
    path: ['routes', route, 'match', 'hosts', index],
    message: `no certificate of a listener is for ${host}: add one, or say match.protocols: [http] where it is not for HTTPS`,
  };
}
