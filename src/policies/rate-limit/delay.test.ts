import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { exchangeFor, type TestExchange } from '../../../test/support/exchange.ts';
import type { Decision, Limiter } from '../../state/limiter.ts';
import { answered, PolicyPlay } from './rate-limit.support.ts';
import type { RateLimit } from './rate-limit.ts';

/** Requests that may have to wait, on a clock that a test moves. */
class Delays {
  readonly play = new PolicyPlay();
  readonly policy: RateLimit;
  /** Who went on or was refused, in that order. */
  readonly outcomes: string[] = [];
  readonly #tick: (ms: number) => void;

  constructor(t: TestContext, options: object, limiter?: Limiter) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    this.#tick = (ms) => t.mock.timers.tick(ms);
    this.policy = this.play.policy(options, {}, limiter);
  }

  request(name: string, clientAddress = '192.0.2.1'): TestExchange {
    const exchange = exchangeFor({ clientAddress });
    const tell = (answer: unknown) =>
      this.outcomes.push(`${name} ${answer === undefined ? 'on' : 'refused'}`);
    const answer = this.policy.onRequest(exchange);
    if (answer instanceof Promise) void answer.then(tell);
    else tell(answer);
    return exchange;
  }

  /** Lets time pass, a millisecond at a time, and all that it brings about. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.play.limits.nowMs++;
      this.#tick(1);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  }

  /** What came of requests since it was asked last. */
  said(): string[] {
    return this.outcomes.splice(0);
  }
}

const delay = { max: '1s' };

describe('With a delay', () => {
  it('requests above the limit go on one by one, in their order', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '10/s', burst: 1 }], delay });
    for (const name of ['a', 'b', 'c', 'd']) delays.request(name);
    assert.deepEqual(delays.said(), ['a on']);
    await delays.pass(99);
    assert.deepEqual(delays.said(), []);
    await delays.pass(1);
    assert.deepEqual(delays.said(), ['b on']);
    await delays.pass(200);
    assert.deepEqual(delays.said(), ['c on', 'd on']);
    assert.deepEqual(delays.play.events, ['delayed', 'delayed', 'delayed']);
  });

  it('whoever would wait too long is refused at once', (t) => {
    const delays = new Delays(t, { limits: ['1/min'], delay });
    delays.request('a');
    delays.request('b');
    assert.deepEqual(delays.said(), ['a on', 'b refused']);
  });

  it('whose turn does not come in time is refused as soon as that is certain', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '1/s', burst: 1 }], delay });
    for (const name of ['a', 'b', 'c']) delays.request(name);
    await delays.pass(999);
    assert.deepEqual(delays.said(), ['a on']);
    await delays.pass(1);
    assert.deepEqual(delays.said(), ['b on', 'c refused']);
  });

  it('no more wait than there are places, and who finds none is told so', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '10/s', burst: 1 }], delay: { max: '1s', queue: 2 } });
    for (const name of ['a', 'b', 'c', 'd']) delays.request(name);
    const refused = delays.request('e', '192.0.2.1');
    answered(delays.policy, refused);
    assert.deepEqual(delays.said(), ['a on', 'd refused', 'e refused']);
    assert.ok(refused.responseLines.includes('Retry-After: 1'));
    await delays.pass(200);
    assert.deepEqual(delays.said(), ['b on', 'c on']);
  });

  it('who finds no place is told of the wait of the first, not of what another client was told', (t) => {
    const delays = new Delays(t, { limits: ['1/min'], delay: { max: '5m', queue: 1 } });
    delays.policy.onEnd?.(delays.request('x', '192.0.2.2'));
    for (const name of ['a', 'b']) delays.request(name);
    const refused = delays.request('c');
    answered(delays.policy, refused);
    assert.deepEqual(delays.said(), ['x on', 'a on', 'c refused']);
    assert.ok(refused.responseLines.includes('Retry-After: 60'), refused.responseLines.join());
    assert.ok(refused.responseLines.includes('RateLimit: "1/min";r=0;t=60'), refused.responseLines.join());
  });

  it('who comes while others wait comes after them', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '10/s', burst: 1 }], delay });
    for (const name of ['a', 'b', 'c']) delays.request(name);
    await delays.pass(100);
    delays.request('d');
    await delays.pass(200);
    assert.deepEqual(delays.said(), ['a on', 'b on', 'c on', 'd on']);
  });

  it('those of another key wait in another line', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '10/s', burst: 1 }], delay });
    for (const name of ['a', 'b', 'c']) delays.request(name);
    delays.request('x', '192.0.2.2');
    delays.request('y', '192.0.2.2');
    await delays.pass(100);
    assert.deepEqual(delays.said(), ['a on', 'x on', 'b on', 'y on']);
  });

  it('a client that leaves gives up its place, and costs nothing', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '10/s', burst: 1 }], delay: { max: '1s', queue: 2 } });
    delays.request('a');
    const [first, second] = [delays.request('b'), delays.request('c')];
    delays.policy.onEnd?.(first);
    delays.request('d');
    await delays.pass(100);
    assert.deepEqual(delays.said(), ['a on', 'b on', 'c on']);
    delays.policy.onEnd?.(second);
    await delays.pass(100);
    assert.deepEqual(delays.said(), ['d on']);
  });

  it('the last to leave takes the line with it', async (t) => {
    const delays = new Delays(t, { limits: [{ rate: '10/s', burst: 1 }], delay });
    delays.request('a');
    delays.policy.onEnd?.(delays.request('b'));
    await delays.pass(100);
    delays.request('c');
    assert.deepEqual(delays.said(), ['a on', 'b on', 'c on']);
  });

  it('a request waits for another to end, where that is the limit', async (t) => {
    const delays = new Delays(t, { limits: [{ concurrency: 1 }], delay });
    const first = delays.request('a');
    delays.request('b');
    await delays.pass(250);
    assert.deepEqual(delays.said(), ['a on']);
    delays.policy.onEnd?.(first);
    await delays.pass(50);
    assert.deepEqual(delays.said(), ['b on']);
  });
});

/** Counts in memory, but tells of it only when a turn of the microtasks is over. */
function later(limiter: Limiter): Limiter {
  return {
    isInstant: false,
    decision(limits) {
      const decision = limiter.decision(limits);
      return {
        charges: decision.charges,
        take: async () => decision.take(),
        correct: (units) => decision.correct(units),
        release: () => decision.release(),
      } satisfies Decision;
    },
  };
}

describe('Where counts are elsewhere', () => {
  it('a request waits for the verdict', async (t) => {
    const delays = new Delays(t, { limits: ['2/s'] }, later(new PolicyPlay().limits.limiter()));
    for (const name of ['a', 'b', 'c']) delays.request(name);
    assert.deepEqual(delays.said(), []);
    await delays.pass(1);
    assert.deepEqual(delays.said(), ['a on', 'b on', 'c refused']);
  });

  it('an answer that is sent before the verdict tells nothing of limits', async (t) => {
    const delays = new Delays(t, { limits: ['2/s'] }, later(new PolicyPlay().limits.limiter()));
    const early = delays.request('a');
    answered(delays.policy, early);
    assert.deepEqual(early.responseLines, []);
    await delays.pass(1);
    answered(delays.policy, early);
    assert.equal(early.responseLines.length, 2);
  });

  it('what a client takes that leaves meanwhile is let go of', async (t) => {
    const delays = new Delays(t, { limits: [{ concurrency: 1 }] }, later(new PolicyPlay().limits.limiter()));
    delays.policy.onEnd?.(delays.request('a'));
    await delays.pass(1);
    delays.request('b');
    await delays.pass(1);
    assert.deepEqual(delays.said(), ['a on', 'b on']);
  });

  it('one that cannot be asked lets requests through, and says so', async (t) => {
    const unavailable: Limiter = {
      isInstant: false,
      decision: (limits) => ({
        charges: new PolicyPlay().limits.decision(limits).charges,
        take: async () => 'unavailable' as const,
        correct() {},
        release() {},
      }),
    };
    const delays = new Delays(t, { limits: ['1/h'] }, unavailable);
    delays.request('a');
    await delays.pass(1);
    assert.deepEqual([delays.said(), delays.play.events], [['a on'], ['unavailable']]);
  });
});
