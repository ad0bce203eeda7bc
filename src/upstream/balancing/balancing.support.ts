import assert from 'node:assert/strict';
import type { Balancer, Endpoint, Random, Share } from './balancer.ts';

/** Mulberry32: small, even enough for the tests, and the same numbers in every run. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An endpoint whose every side a test sets. */
export class FakeEndpoint implements Endpoint {
  readonly name: string;
  zone: string | undefined;
  weight: number;
  available = true;
  draining = false;
  requests = 0;
  latency = 0;

  constructor(name: string, weight = 1, zone?: string) {
    this.name = name;
    this.weight = weight;
    this.zone = zone;
  }

  inFlight(): number {
    return this.requests;
  }

  latencyMs(_nowMs: number): number {
    return this.latency;
  }
}

/** Endpoints a, b, c, ... with these weights. */
export function endpointsOf(...weights: number[]): FakeEndpoint[] {
  return weights.map((weight, i) => new FakeEndpoint(letter(i), weight));
}

export function sharesOf(...weights: number[]): Share<FakeEndpoint>[] {
  return endpointsOf(...weights).map((endpoint) => ({ endpoint, weight: endpoint.weight }));
}

function letter(i: number): string {
  return i < 26 ? String.fromCharCode(97 + i) : `${letter(Math.floor(i / 26) - 1)}${letter(i % 26)}`;
}

/** The names picked in so many turns; `-` for none. */
export function picks(balancer: Balancer<Endpoint>, count: number): string[] {
  return Array.from({ length: count }, () => balancer.pick(undefined, [])?.name ?? '-');
}

/** How often each name occurs, in the order of `names`; nothing else may occur. */
export function countsOf(picked: readonly string[], names: readonly string[]): number[] {
  const counts = new Map(names.map((name) => [name, 0]));
  for (const name of picked) {
    const count = counts.get(name);
    assert.ok(count !== undefined, `${name} is none of ${names.join(', ')}`);
    counts.set(name, count + 1);
  }
  return [...counts.values()];
}

/**
 * Pearson's chi-square test: fails when counts are so far from their expected parts as would happen once in a thousand runs by chance.
 * The generators are seeded, so that a test that passed once passes always.
 */
export function assertDistribution(counts: readonly number[], parts: readonly number[]): void {
  const total = sum(counts);
  const whole = sum(parts);
  const statistic = counts.reduce((so, count, i) => {
    const expected = (total * (parts[i] as number)) / whole;
    assert.ok(expected >= 5, 'too few for the test to say anything');
    return so + (count - expected) ** 2 / expected;
  }, 0);
  const limit = chiSquareLimit(counts.length - 1);
  assert.ok(
    statistic <= limit,
    `${counts.join(', ')} for ${parts.join(', ')}: ${statistic.toFixed(1)} is above ${limit.toFixed(1)}`,
  );
}

/** The 99.9 % point for so many degrees of freedom, by the approximation of Wilson and Hilferty. */
function chiSquareLimit(freedom: number): number {
  const step = 2 / (9 * freedom);
  return freedom * (1 - step + 3.0902 * Math.sqrt(step)) ** 3;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
