import type { X509Certificate } from 'node:crypto';
import { certificateHosts, coversHost } from '../../lib/certificate-hosts.ts';
import { isRecord } from '../../lib/is-record.ts';

/** A host of a route that clients cannot reach by HTTPS without a warning. */
export interface UncoveredHost {
  readonly route: string;
  readonly index: number;
  readonly host: string;
}

interface Sought {
  /** Listeners as written, by name. */
  readonly listeners: readonly (readonly [name: string, listener: unknown])[];
  /** Leaf certificates by name. */
  readonly leaves: ReadonlyMap<string, X509Certificate>;
  readonly routes: readonly (readonly [
    name: string,
    route: { readonly match: { readonly hosts?: readonly string[]; readonly protocols?: readonly string[] } },
  ])[];
}

/** The hosts of routes for HTTPS that no certificate of an https listener is for. A wildcard host needs a certificate with that wildcard. */
export function uncoveredHosts({ listeners, leaves, routes }: Sought): UncoveredHost[] {
  const shown = new Set<string>();
  for (const [, listener] of listeners) {
    if (!isRecord(listener) || listener['protocol'] !== 'https') continue;
    const named = isRecord(listener['tls']) ? listener['tls']['certificates'] : undefined;
    for (const name of Array.isArray(named) ? named : leaves.keys()) shown.add(String(name));
  }
  const hosts = new Set(
    [...shown].flatMap((name) => {
      const leaf = leaves.get(name);
      return leaf === undefined ? [] : certificateHosts(leaf);
    }),
  );
  // Nobody sees a host's certificate where there is no HTTPS, and where there is none at all, that is told already.
  if (hosts.size === 0) return [];
  return routes.flatMap(([route, { match }]) =>
    match.protocols !== undefined && !match.protocols.includes('https')
      ? []
      : (match.hosts ?? []).flatMap((host, index) =>
          coversHost(hosts, host.toLowerCase()) ? [] : [{ route, index, host }],
        ),
  );
}
