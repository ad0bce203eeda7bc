import { hashOf, mix } from '../lib/hash.ts';
import type { SplitEntry } from './split.ts';

/** Picks the service of a client; `key` is what the client is known by. */
export type StickySplit = (key: string) => string;

interface Share {
  readonly service: string;
  readonly weight: number;
  /** Makes each service draw its own number for a key. */
  readonly salt: number;
}

/**
 * A weighted choice that stays: the same key always gets the same service, each service gets its share of all keys, and which one depends
 * on names and weights alone, not on the order of the entries. When weights change, a key leaves a service only for one whose weight grew
 * in proportion to it; among services that keep their proportions nobody moves. That is weighted rendezvous hashing: each service draws
 * a number in (0, 1) for the key, and the smallest -ln(number) / weight wins, as the first of several exponential clocks does.
 *
 * Throws an Error when no weight is above 0.
 */
export function compileStickySplit(entries: readonly SplitEntry[]): StickySplit {
  const weights = new Map<string, number>();
  for (const { service, weight } of entries) weights.set(service, (weights.get(service) ?? 0) + weight);
  const shares: Share[] = [];
  for (const [service, weight] of weights)
    if (weight > 0) shares.push({ service, weight, salt: hashOf(service) });
  const first = shares[0];
  if (first === undefined) throw new Error('a split needs a weight above 0');
  return (key) => {
    const hash = hashOf(key);
    let service = first.service;
    let smallest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < shares.length; i++) {
      const share = shares[i] as Share;
      const drawn = -Math.log((mix(hash ^ share.salt) + 0.5) / 2 ** 32) / share.weight;
      if (drawn >= smallest) continue;
      smallest = drawn;
      service = share.service;
    }
    return service;
  };
}
