import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { seededRandom } from '../../../test/support/seeded-random.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';
import { LoadShedder } from './load-shedder.ts';
import { Pressure } from './pressure.ts';
import { loadShedSchema } from './schema.ts';

/** Readings under the test's hand, and what was counted. */
function shedder(options: object, random: () => number) {
  const load = { measuredAtMs: 0, eventLoopDelayMs: 0, memoryShare: 0 };
  const events: string[] = [];
  const parsed = loadShedSchema.parse(options) as ConstructorParameters<typeof LoadShedder>[0];
  const made = new LoadShedder(parsed, { load: () => load, count: (event) => events.push(event) }, random);
  const measure = (reading: { eventLoopDelayMs?: number; memoryShare?: number }) =>
    Object.assign(load, reading, { measuredAtMs: load.measuredAtMs + 250 });
  return { made, measure, events };
}

it('the pressure begins at start, grows to full, and ends only well below start', () => {
  const pressure = new Pressure({ start: 100, full: 180 });
  for (const [reading, expected] of [
    [0, 0],
    [99, 0],
    [100, 0.2],
    [130, 0.5],
    [180, 1],
    [500, 1],
    [99, 0.19],
    [81, 0.01],
    [80, 0],
    [79, 0],
    [99, 0],
    [100, 0.2],
  ] as const) {
    assert.equal(pressure.at(reading), expected, String(reading));
  }
});

describe('The share of requests that is refused', () => {
  // 80 ms, the end of shedding, is 0 and 500 ms is 1: a third of the way are 140 ms.
  for (const [title, eventLoopDelayMs, low, normal, high] of [
    ['is none before start', 99, 0, 0, 0],
    ['is one of low ones at start', 100, 1 / 7, 0, 0],
    ['is half of the low ones in the middle of the first third', 150, 0.5, 0, 0],
    ['is all low ones and half of the normal ones in the middle of the second', 290, 1, 0.5, 0],
    ['is all but half of the high ones in the middle of the last', 430, 1, 1, 0.5],
    ['is all at full', 500, 1, 1, 1],
    ['is all beyond', 5000, 1, 1, 1],
  ] as const) {
    it(title, () => {
      for (const [priority, share] of Object.entries({ low, normal, high })) {
        const { made, measure, events } = shedder({ priority }, seededRandom(7));
        measure({ eventLoopDelayMs });
        const count = 10_000;
        let refused = 0;
        for (let i = 0; i < count; i++) if (made.onRequest() !== undefined) refused++;
        // Within four standard deviations of a binomial distribution.
        const slack = 4 * Math.sqrt(count * share * (1 - share));
        assert.ok(Math.abs(refused - count * share) <= slack + 1e-6, `${priority}: ${refused}`);
        assert.equal(events.length, refused);
      }
    });
  }
});

describe('A worker under load', () => {
  it('refuses by memory as well as by delay, whichever is worse', () => {
    const { made, measure } = shedder({ priority: 'high' }, () => 0.99);
    measure({ memoryShare: 0.95 });
    assert.equal(made.onRequest()?.code, 'overloaded');
    measure({ memoryShare: 0.5 });
    assert.equal(made.onRequest(), undefined);
    measure({ eventLoopDelayMs: 500 });
    assert.equal(made.onRequest()?.code, 'overloaded');
  });

  it('goes on refusing some while the reading is a little below start, and then refuses none', () => {
    const { made, measure } = shedder({ priority: 'low' }, () => 0);
    for (const [eventLoopDelayMs, refused] of [
      [99, false],
      [100, true],
      [90, true],
      [79, false],
      [90, false],
    ] as const) {
      measure({ eventLoopDelayMs });
      assert.equal(made.onRequest() !== undefined, refused, String(eventLoopDelayMs));
    }
  });

  it('answers with the same object each time: none is made for a request', () => {
    const { made, measure } = shedder({ retryAfter: '1500ms' }, () => 0);
    measure({ eventLoopDelayMs: 1000 });
    const answer = made.onRequest();
    assert.deepEqual(answer, {
      status: 503,
      code: 'overloaded',
      detail: 'The gateway has more to do than it can.',
      headers: { 'Retry-After': '2' },
    });
    assert.equal(made.onRequest(), answer);
  });
});

describe('The policy', () => {
  const loaded = () => ({ measuredAtMs: 1, eventLoopDelayMs: 10_000, memoryShare: 0 });
  const context = { route: 'r', warn: () => {}, policyEvent: () => {}, load: loaded };
  for (const [priority, status] of [
    ['low', 503],
    ['normal', 503],
    ['high', 503],
    ['critical', undefined],
  ] as const) {
    it(`at full answers ${status ?? 'nothing'} to what is ${priority}`, async () => {
      const policies = await compilePolicies([{ name: 'load-shed', options: { priority } }], context);
      assert.equal((await runPolicies(policies, exchangeFor()))?.status, status);
      assert.equal(policies.onRequest.length, priority === 'critical' ? 0 : 1);
    });
  }
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{ eventLoop: { start: '1s' } }, 'eventLoop.full', 'must be more than start'],
    [{ eventLoop: { start: '0s' } }, 'eventLoop.start', 'is no time at all'],
    [{ memory: { start: 95 } }, 'memory.full', 'must be more than start'],
    [{ memory: { full: 101 } }, 'memory.full', 'Too big: expected number to be <=100'],
    [{ memory: { start: 0 } }, 'memory.start', 'Too small: expected number to be >0'],
    [{ retryAfter: '500ms' }, 'retryAfter', 'is less than 1s'],
    [{ priority: 'urgent' }, 'priority', 'Invalid option: expected one of "critical"|"high"|"normal"|"low"'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'load-shed', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
