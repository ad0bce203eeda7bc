import type { Balancer, Endpoint, Random, Share } from './balancer.ts';
import { murmur3 } from './murmur3.ts';

/** Primes just below powers of two. */
const SIZES = [16_381, 65_521, 262_139] as const;
const LARGEST = 1_048_573;
/** Slots per target from which on shares are right to about a per cent, as the paper advises. */
const SLOTS_PER_TARGET = 100;
const FREE = 0xffff_ffff;

/**
 * Slots for so many targets. It depends on how many are configured or discovered, not on how many may be asked now: with another size
 * nearly every key moves.
 */
function tableSize(targets: number): number {
  return SIZES.find((size) => size >= targets * SLOTS_PER_TARGET) ?? LARGEST;
}

/**
 * Consistent hashing by a Maglev table (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section
 * 3.4): a key finds its endpoint in one step, and when an endpoint leaves, hardly any key moves but those that were at it. Every worker
 * and every gateway makes the same table of the same endpoints.
 */
export class Maglev<E extends Endpoint> implements Balancer<E> {
  readonly #endpoints: readonly E[];
  /** Index of the endpoint of each slot. */
  readonly #slots: Uint32Array;
  readonly #random: Random;

  /** `targets`: how many the service has, of which these may be asked. */
  constructor(shares: readonly Share<E>[], targets: number, random: Random) {
    // Discovery promises no order.
    const sorted = shares.toSorted((a, b) => compare(a.endpoint.name, b.endpoint.name));
    this.#endpoints = sorted.map(({ endpoint }) => endpoint);
    this.#slots = fill(sorted, tableSize(targets));
    this.#random = random;
  }

  /** Without a hash any endpoint, by weight. A retry with the same hash goes to the same other endpoint. */
  pick(hash: number | undefined, tried: readonly E[]): E | undefined {
    const endpoints = this.#endpoints;
    const slots = this.#slots;
    const size = slots.length;
    const slot = hash === undefined ? Math.floor(this.#random() * size) : (hash >>> 0) % size;
    const picked = endpoints[slots[slot] as number] as E;
    if (tried.length === 0 || !tried.includes(picked)) return picked;
    for (let i = slot + 1; i < slot + size; i++) {
      const other = endpoints[slots[i % size] as number] as E;
      if (!tried.includes(other)) return other;
    }
    return picked;
  }
}

/** Endpoints take turns in taking the next free slot of their own order of all slots; light ones leave turns out. */
function fill(shares: readonly Share<Endpoint>[], size: number): Uint32Array {
  const slots = new Uint32Array(size).fill(FREE);
  const weights = Float64Array.from(shares, ({ weight }) => weight);
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const next = Uint32Array.from(shares, ({ endpoint }) => wordOf(endpoint, 1) % size);
  const skip = Uint32Array.from(shares, ({ endpoint }) => (wordOf(endpoint, 2) % (size - 1)) + 1);
  const taken = new Uint32Array(shares.length);
  for (let free = size, round = 1; ; round++) {
    for (let i = 0; i < weights.length; i++) {
      // In the first round each takes one, so that none is left out however light it is.
      if (round * (weights[i] as number) < (taken[i] as number) * heaviest) continue;
      let slot = next[i] as number;
      while (slots[slot] !== FREE) slot = after(slot, skip[i] as number, size);
      slots[slot] = i;
      next[i] = after(slot, skip[i] as number, size);
      taken[i] = (taken[i] as number) + 1;
      free -= 1;
      if (free === 0) return slots;
    }
  }
}

/** Every slot comes once before one comes again, since the size is prime. */
function after(slot: number, skip: number, size: number): number {
  const next = slot + skip;
  return next < size ? next : next - size;
}

function wordOf({ name }: Endpoint, seed: number): number {
  return murmur3(name, seed) >>> 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
