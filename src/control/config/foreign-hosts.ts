import { coversHost } from '../../lib/certificate-hosts.ts';
import { type Claim, TerritoryMap } from '../rights/territory-map.ts';
import { hostsOfCertificate, type ListenerCertificate } from './certificates.ts';
import type { NamedRoute } from './load-cache.ts';
import { entriesOf, type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';

/**
 * Certificates of an organization for hosts of which another owner has a part: listeners would show them to clients of the other. A route of no
 * organization has the hosts that it names, and not what its wildcards take beside. Costs nothing where no certificate has an organization.
 */
export function foreignHosts(
  config: Readonly<Record<string, unknown>>,
  certificates: ReadonlyMap<string, ListenerCertificate>,
  routes: readonly NamedRoute[],
): Problem[] {
  const owned = entriesOf(config['certificates']).flatMap(([name, entry]) => {
    const owner = valueAt(entry, ['organization']);
    return typeof owner === 'string'
      ? [{ name, owner, hosts: hostsOfCertificate(entry, certificates.get(name)) }]
      : [];
  });
  if (owned.length === 0) return [];
  const shared = new Map<string, Path>();
  const claims: Claim<Path>[] = [];
  const claim = (owner: string, host: string, item: Path) =>
    claims.push({ owner, host, pattern: undefined, item });
  for (const { name, owner, hosts } of owned)
    for (const host of hosts) claim(owner, host, ['certificates', name]);
  for (const [name, { match, organization }] of routes)
    for (const host of match.hosts ?? [])
      if (organization === undefined) shared.set(host.toLowerCase(), ['routes', name]);
      else claim(organization, host.toLowerCase(), ['routes', name]);
  const map = new TerritoryMap(claims);
  return owned.flatMap(({ name, owner, hosts }): Problem[] => {
    for (const host of hosts) {
      const related = map.otherOwner(owner, host) ?? sharedBy(shared, host);
      if (related === undefined) continue;
      return [
        {
          path: ['certificates', name, 'organization'],
          // It says nothing of the other: whoever reads it need not know of that.
          message: `${owner} would speak for ${host}, of which somebody else has a part: leave the certificate to those who have a role everywhere`,
          related,
        },
      ];
    }
    return [];
  });
}

function sharedBy(shared: ReadonlyMap<string, Path>, host: string): Path | undefined {
  const exact = shared.get(host);
  if (exact !== undefined || !host.startsWith('*.')) return exact;
  const covers = new Set([host]);
  for (const [each, path] of shared) if (coversHost(covers, each)) return path;
  return undefined;
}
