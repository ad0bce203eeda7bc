import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { countsOf, FakeEndpoint, picks } from './balancing.support.ts';
import { compileBalancer } from './compile.ts';
import { balanceSchema } from './schema.ts';
import { slowStartFactor } from './slow-start.ts';

suite('the part of its weight that a target has', () => {
  for (const [ageMs, rampMs, factor] of [
    [0, 0, 1],
    [5, 0, 1],
    [0, 30_000, 0.1],
    [2999, 30_000, 0.1],
    [6000, 30_000, 0.2],
    [15_000, 30_000, 0.5],
    [29_999, 30_000, 29_999 / 30_000],
    [30_000, 30_000, 1],
    [1e9, 30_000, 1],
  ] as const) {
    test(`${ageMs} ms after its start, of ${rampMs} ms, is ${factor}`, () =>
      assert.equal(slowStartFactor(ageMs, rampMs), factor));
  }
});

test('a target that recovers comes to its full share step by step', () => {
  const rampMs = 10_000;
  const settings = balanceSchema.parse({ slowStart: '10s' });
  let now = 0;
  /** Since when each has been well. */
  const since = new Map([
    ['a', -1e6],
    ['b', -1e6],
  ]);
  const endpoints = [...since.keys()].map((name) => new FakeEndpoint(name));
  /** Of 1100 requests, those that each gets now. */
  const served = () => {
    for (const endpoint of endpoints)
      endpoint.weight = slowStartFactor(now - (since.get(endpoint.name) as number), rampMs);
    const { balancer } = compileBalancer(settings, endpoints, { random: () => 0, now: () => now });
    return countsOf(picks(balancer, 1100), ['a', 'b']);
  };
  const [, b] = endpoints as [FakeEndpoint, FakeEndpoint];

  assert.deepEqual(served(), [550, 550]);
  b.available = false;
  assert.deepEqual(served(), [1100, 0]);

  b.available = true;
  since.set('b', now);
  const parts: number[] = [];
  for (; now <= 12_000; now += 2000) parts.push(served()[1] as number);
  const expected = [0.1, 0.2, 0.4, 0.6, 0.8, 1, 1].map((factor) => (1100 * factor) / (1 + factor));
  for (const [i, part] of parts.entries())
    assert.ok(Math.abs(part - (expected[i] as number)) <= 1, parts.join(', '));
});
