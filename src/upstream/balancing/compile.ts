import type { Balancer, Endpoint, Random, Share } from './balancer.ts';
import { type Eligible, eligible } from './eligible.ts';
import { leastRequests } from './least-requests.ts';
import { Maglev } from './maglev.ts';
import { peakEwma } from './peak-ewma.ts';
import { RandomBalancer } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import type { BalanceSettings } from './schema.ts';
import { asShare, zoneShares } from './zone.ts';

export interface BalancerContext {
  readonly random: Random;
  /** Milliseconds on the clock by which endpoints tell their latency. */
  readonly now: () => number;
}

/** A balancer with what it was made of: `endpoints` are those at which a sticky session may stay, whatever their zone. */
export interface CompiledBalancer<E> extends Eligible<E> {
  readonly balancer: Balancer<E>;
}

/**
 * Makes the balancer of a service from all its endpoints as they are now. To be called again when a weight, an availability, a draining
 * mark or the list has changed, and now and then while a weight grows by slow start.
 */
export function compileBalancer<E extends Endpoint>(
  settings: BalanceSettings,
  all: readonly E[],
  context: BalancerContext,
): CompiledBalancer<E> {
  const { endpoints, panic } = eligible(all, settings.panicThreshold);
  // In panic the zone's targets are not known to be well: they are not to get everything.
  const shares =
    settings.zone === undefined || panic ? endpoints.map(asShare) : zoneShares(all, endpoints, settings.zone);
  return { endpoints, panic, balancer: balancerOf(settings, shares, all.length, context) };
}

function balancerOf<E extends Endpoint>(
  settings: BalanceSettings,
  shares: readonly Share<E>[],
  targets: number,
  { random, now }: BalancerContext,
): Balancer<E> {
  if (shares.length <= 1) {
    const only = shares[0]?.endpoint;
    return { pick: () => only };
  }
  switch (settings.algorithm) {
    case 'round-robin':
      return new RoundRobin(shares, random);
    case 'random':
      return new RandomBalancer(shares, random);
    case 'least-requests':
      return leastRequests(shares, random);
    case 'peak-ewma':
      return peakEwma(shares, random, now);
    case 'hash':
      return new Maglev(shares, targets, random);
  }
}
