import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeEndpoint } from './balancing.support.ts';
import { eligible } from './eligible.ts';
import { zoneShares } from './zone.ts';

type Target = readonly [zone: string | undefined, weight: number, state?: 'down' | 'draining'];

/** The part of all requests that each may get, in per cent, by the endpoint's place. */
function partsOf(targets: readonly Target[], zone: string): Record<number, number> {
  const all = targets.map(([own, weight, state], i) => {
    const endpoint = new FakeEndpoint(String(i), weight, own);
    endpoint.available = state === undefined;
    endpoint.draining = state === 'draining';
    return endpoint;
  });
  const shares = zoneShares(all, eligible(all, 0).endpoints, zone);
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  return Object.fromEntries(
    shares.map(({ endpoint, weight }) => [Number(endpoint.name), Math.round((weight * 1000) / total) / 10]),
  );
}

const many = (count: number, zone: string, down = 0): Target[] =>
  Array.from({ length: count }, (_, i) => (i < down ? [zone, 1, 'down'] : [zone, 1]));

suite('with a zone to prefer', () => {
  const table: readonly [title: string, targets: readonly Target[], parts: Record<number, number>][] = [
    ['its targets get everything', [['a', 1], ['a', 1], ['b', 1]], { 0: 50, 1: 50 }],
    ['by their weights', [['a', 3], ['a', 1], ['b', 8]], { 0: 75, 1: 25 }],
    ['one of four down is made up for', [...many(4, 'a', 1), ['b', 1]], { 1: 33.3, 2: 33.3, 3: 33.3 }],
    ['of two down in four, 70 % stay', [...many(4, 'a', 2), ['b', 1]], { 2: 35, 3: 35, 4: 30 }],
    ['the rest goes to the others by weight', [...many(2, 'a', 1), ['b', 2], ['c', 1]], { 1: 70, 2: 20, 3: 10 }],
    ['the heavy one of two down counts as such', [['a', 9, 'down'], ['a', 1], ['b', 1]], { 1: 14, 2: 86 }],
    ['all of it down, the others get everything', [...many(2, 'a', 2), ['b', 1], ['b', 3]], { 2: 25, 3: 75 }],
    ['one that drains is no loss', [['a', 1, 'draining'], ['a', 1], ['b', 1]], { 1: 100 }],
    ['one without weight is no loss', [['a', 0], ['a', 1], ['b', 1]], { 1: 100 }],
    ['all others down, it keeps everything', [...many(4, 'a', 3), ['b', 1, 'down']], { 3: 100 }],
    ['no target is there', [['b', 1], [undefined, 1]], { 0: 50, 1: 50 }],
    ['a target without a zone is of another', [['a', 1], [undefined, 1]], { 0: 100 }],
    ['no target at all', [], {}],
  ]; // biome-ignore format: a table
  for (const [title, targets, parts] of table) {
    test(title, () => assert.deepEqual(partsOf(targets, 'a'), parts));
  }
});
