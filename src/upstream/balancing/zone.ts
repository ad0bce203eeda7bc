import type { Endpoint, Share } from './balancer.ts';
import { isCandidate } from './eligible.ts';

/** Envoy's overprovisioning factor: a zone keeps all its requests until less than 1 / 1.4 (71 %) of it is available. */
const OVERPROVISIONING = 1.4;

/**
 * The parts that endpoints have when those of one zone are preferred, by Envoy's rule for priorities: the zone gets 1.4 times the part of
 * it, by weight, that is available, at most all; the rest goes to the others by weight. `eligible` are those of `all` that may be asked.
 */
export function zoneShares<E extends Endpoint>(
  all: readonly E[],
  eligible: readonly E[],
  zone: string,
): Share<E>[] {
  const inZone = ({ zone: own }: Endpoint) => own === zone;
  const local = eligible.filter(inZone);
  const remote = eligible.filter((endpoint) => !inZone(endpoint));
  const localWeight = sum(local);
  const remoteWeight = sum(remote);
  if (localWeight === 0 || remoteWeight === 0) return eligible.map(asShare);

  const whole = sum(all.filter((endpoint) => inZone(endpoint) && isCandidate(endpoint)));
  const part = (OVERPROVISIONING * localWeight) / whole;
  if (part >= 1) return local.map(asShare);
  // Scaled where the zone lacks, so that weights within the zone, and with them whole rounds, stay as they are.
  const scale = ((1 - part) / part) * (localWeight / remoteWeight);
  return [
    ...local.map(asShare),
    ...remote.map((endpoint) => ({ endpoint, weight: endpoint.weight * scale })),
  ];
}

/** The part that an endpoint has by its own weight. */
export function asShare<E extends Endpoint>(endpoint: E): Share<E> {
  return { endpoint, weight: endpoint.weight };
}

function sum(endpoints: readonly Endpoint[]): number {
  return endpoints.reduce((total, { weight }) => total + weight, 0);
}
