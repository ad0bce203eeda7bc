import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { seededRandom } from '../../../test/support/seeded-random.ts';
import type { Answer } from '../../policy/contract.ts';
import { validatePolicyUse } from '../compile.ts';
import { Fault } from './fault.ts';
import { faultSchema } from './schema.ts';

const fault = (options: object, random: () => number = () => 0): Fault =>
  new Fault(faultSchema.parse(options), random);

/** The answers in turn of whoever is asked, as they come; a promise counts as held back. */
function tally(policy: Fault, count: number): { held: number; ended: number } {
  const counts = { held: 0, ended: 0 };
  for (let i = 0; i < count; i++) {
    const exchange = exchangeFor();
    const result = policy.onRequest(exchange);
    if (result instanceof Promise) counts.held++;
    else if (result !== undefined) counts.ended++;
    policy.onEnd(exchange);
  }
  return counts;
}

/** Within four standard deviations of a binomial distribution. */
function assertShare(counted: number, of: number, share: number): void {
  assert.ok(Math.abs(counted - of * share) <= 4 * Math.sqrt(of * share * (1 - share)), `${counted} of ${of}`);
}

describe('An abort', () => {
  const PROBLEM = { code: 'fault_injected', detail: 'This failure was asked for, to test.' };
  for (const [title, abort, answer] of [
    ['is 503 by default', {}, { status: 503, ...PROBLEM }],
    ['has the status that is asked for', { status: 429 }, { status: 429, ...PROBLEM }],
    [
      'is no answer at all where a reset is',
      { reset: true },
      { status: 444, code: 'fault_injected', disconnect: true },
    ],
  ] as const) {
    it(title, () => assert.deepEqual(fault({ abort }).onRequest(exchangeFor()), answer));
  }

  it('is the same object each time: none is made for a request', () => {
    const policy = fault({ abort: {} });
    assert.equal(policy.onRequest(exchangeFor()), policy.onRequest(exchangeFor()));
  });

  it('meets its share of the requests, within what chance explains', () => {
    const { held, ended } = tally(fault({ abort: { percent: 2.5 } }, seededRandom(1)), 100_000);
    assert.equal(held, 0);
    assertShare(ended, 100_000, 0.025);
  });

  it('meets nobody at 0 per cent and everybody at 100', () => {
    assert.equal(tally(fault({ abort: { percent: 0 } }), 100).ended, 0);
    assert.equal(
      tally(
        fault({ abort: { percent: 100 } }, () => 1 - Number.EPSILON),
        100,
      ).ended,
      100,
    );
  });
});

describe('A delay', () => {
  function mocked(t: TestContext): (ms: number) => Promise<void> {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    return async (ms) => {
      t.mock.timers.tick(ms);
      await Promise.resolve();
    };
  }

  /** What came of the request, once something did. */
  function watched(result: ReturnType<Fault['onRequest']>): { readonly results: (Answer | undefined)[] } {
    assert.ok(result instanceof Promise);
    const results: (Answer | undefined)[] = [];
    void result.then((answer) => results.push(answer));
    return { results };
  }

  it('holds the request back for its time, and lets it go on', async (t) => {
    const tick = mocked(t);
    const { results } = watched(fault({ delay: { time: '2s' } }).onRequest(exchangeFor()));
    await tick(1999);
    assert.deepEqual(results, []);
    await tick(1);
    assert.deepEqual(results, [undefined]);
  });

  it('comes before the abort', async (t) => {
    const tick = mocked(t);
    const { results } = watched(fault({ delay: { time: '2s' }, abort: {} }).onRequest(exchangeFor()));
    await tick(1999);
    assert.equal(results.length, 0);
    await tick(1);
    assert.deepEqual(
      results.map((answer) => answer?.status),
      [503],
    );
  });

  it('ends when the client leaves, and its timer with it', async (t) => {
    const tick = mocked(t);
    const policy = fault({ delay: { time: '5m' }, abort: {} });
    const [gone, patient] = [exchangeFor(), exchangeFor()];
    const left = watched(policy.onRequest(gone));
    const stayed = watched(policy.onRequest(patient));
    policy.onEnd(gone);
    await tick(0);
    assert.deepEqual([left.results, stayed.results], [[undefined], []]);
    await tick(300_000);
    assert.deepEqual([left.results.length, stayed.results.length], [1, 1]);
  });

  it('is drawn apart from the abort', (t) => {
    mocked(t);
    const policy = fault({ delay: { percent: 20, time: '1s' }, abort: { percent: 10 } }, seededRandom(2));
    const { held, ended } = tally(policy, 100_000);
    assertShare(held, 100_000, 0.2);
    assertShare(ended, 100_000, 0.8 * 0.1);
  });
});

describe('With a header', () => {
  const policy = fault({ header: 'X-Fault', abort: {} });

  it('a request that has it is met, whatever its value', () => {
    assert.ok(policy.onRequest(exchangeFor({ headers: { 'x-fault': '' } })));
  });

  it('a request without it is left alone', () => {
    assert.equal(policy.onRequest(exchangeFor({ headers: { 'x-other': '1' } })), undefined);
  });
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{}, '', 'needs delay, abort or both'],
    [{ delay: {} }, 'delay.time', 'Invalid input: expected string, received undefined'],
    [{ delay: { time: '0s' } }, 'delay.time', 'is no time at all'],
    [{ delay: { time: '6m' } }, 'delay.time', 'is longer than 5m'],
    [{ delay: { time: '1s', percent: 101 } }, 'delay.percent', 'Too big: expected number to be <=100'],
    [{ abort: { percent: -1 } }, 'abort.percent', 'Too small: expected number to be >=0'],
    [{ abort: { status: 200 } }, 'abort.status', 'Too small: expected number to be >=400'],
    [{ abort: { status: 500, reset: true } }, 'abort.status', 'is for an answer: with reset there is none'],
    [{ abort: {}, header: 'a b' }, 'header', '"a b" is not a field name'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'fault', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
