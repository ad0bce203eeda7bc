import { z } from 'zod';
import { type TargetDescription, targetUrl } from '../target-description.ts';

/** Of an EndpointSlice (discovery.k8s.io/v1), what is used, within the API's own bounds. Lists that are absent may be written as null. */
export const sliceSchema = z.object({
  metadata: z.object({ name: z.string().min(1).max(253), resourceVersion: z.string() }),
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()).min(1).max(100),
        conditions: z
          .object({
            ready: z.boolean().nullish(),
            serving: z.boolean().nullish(),
            terminating: z.boolean().nullish(),
          })
          .nullish(),
        zone: z.string().nullish(),
      }),
    )
    .max(1000)
    .nullish(),
  ports: z
    .array(
      z.object({
        name: z.string().nullish(),
        protocol: z.string().nullish(),
        port: z.int().nullish(),
      }),
    )
    .max(100)
    .nullish(),
});

export type EndpointSlice = z.output<typeof sliceSchema>;
type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

export interface SliceSettings {
  /** Name of the Service's port, or number of the pods' port. */
  readonly port: string | number;
  readonly scheme: 'http' | 'https';
}

export type SliceTargets =
  | { readonly ok: true; readonly targets: readonly TargetDescription[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The targets of all slices of a Service. A Service of both address families has each pod twice: then those by IPv4 are taken. A
 * port that no slice has is refused, so that a misspelt one does not look like a Service without pods.
 */
export function targetsOf(slices: Iterable<EndpointSlice>, settings: SliceSettings): SliceTargets {
  const filled = [...slices].filter(({ endpoints }) => (endpoints?.length ?? 0) > 0);
  const families = new Set(filled.map(({ addressType }) => addressType));
  const used = families.has('IPv4') ? filled.filter(({ addressType }) => addressType !== 'IPv6') : filled;
  const targets: TargetDescription[] = [];
  let portFound = used.length === 0;
  for (const slice of used) {
    const port = portOf(slice, settings.port);
    if (port === undefined) continue;
    portFound = true;
    for (const endpoint of slice.endpoints ?? []) {
      const target = targetOf(endpoint, port, settings.scheme);
      if (target !== undefined) targets.push(target);
    }
  }
  if (portFound) return { ok: true, targets };
  const known = new Set(
    used.flatMap((slice) => slice.ports ?? []).map((port) => `${port.name || '(no name)'} ${port.port}`),
  );
  const list = [...known].slice(0, 10).join(', ') || 'none';
  return { ok: false, reason: `no EndpointSlice has the port ${settings.port}; there are: ${list}` };
}

function portOf({ ports }: EndpointSlice, wanted: string | number): number | undefined {
  const found = ports?.find(
    ({ name, protocol, port }) =>
      (protocol ?? 'TCP') === 'TCP' && (typeof wanted === 'number' ? port === wanted : name === wanted),
  );
  return found?.port ?? undefined;
}

function targetOf(
  { addresses, conditions, zone }: Endpoint,
  port: number,
  scheme: 'http' | 'https',
): TargetDescription | undefined {
  // The API says what absent conditions mean: `ready` is true, `serving` as `ready`, `terminating` false.
  const ready = conditions?.ready ?? true;
  const serving = conditions?.serving ?? ready;
  const draining = !ready && serving && (conditions?.terminating ?? false);
  if (!ready && !draining) return undefined;
  return {
    // The addresses of an endpoint all lead to it, and only the first has a defined meaning.
    url: targetUrl(scheme, addresses[0] as string, port),
    weight: 1,
    ...(zone ? { zone } : undefined),
    ...(draining ? { draining } : undefined),
  };
}
