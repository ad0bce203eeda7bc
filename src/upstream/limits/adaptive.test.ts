import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { AdaptiveLimit } from './adaptive.ts';
import { AdaptiveRegion } from './adaptive-region.ts';
import { limitsSchema } from './schema.ts';

/** A limit on a clock that moves with the answers. */
function setUp(options: object = {}) {
  const { adaptive: settings } = limitsSchema.parse({ adaptive: { measureRequests: 20, ...options } });
  assert.ok(settings);
  const shared = new SharedArrayBuffer(AdaptiveRegion.BYTES);
  const workers = [0, 1].map((id) => new AdaptiveLimit(new AdaptiveRegion(shared, 0, id), settings, () => 0));
  const adaptive = workers[0] as AdaptiveLimit;
  const clock = { nowMs: 5_000_000 };
  /** So many answers, one each `everyMs`. */
  const answers = (count: number, latencyMs: number, everyMs = 1): void => {
    for (let i = 0; i < count; i++) {
      clock.nowMs += everyMs;
      adaptive.observe(latencyMs, clock.nowMs);
    }
  };
  return {
    adaptive,
    other: workers[1] as AdaptiveLimit,
    region: new AdaptiveRegion(shared, 0, 1),
    clock,
    answers,
    /** The answers of one window and the correction at its end. */
    window: (latencyMs: number) => answers(10, latencyMs, 10),
    /** The first window, and the measurement that follows it. */
    measured: (latencyMs: number) => {
      answers(10, latencyMs);
      // What began before the measurement does not count.
      clock.nowMs += latencyMs;
      answers(20, latencyMs);
      assert.notEqual(adaptive.baselineMs, undefined);
    },
  };
}

const near = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? 0) / expected - 1) < 0.05, `${actual} is not near ${expected}`);

suite('an adaptive limit', () => {
  test('begins at 20, or at the bound that is nearer', () => {
    assert.equal(setUp().adaptive.limit, 20);
    assert.equal(setUp({ max: 7 }).adaptive.limit, 7);
    assert.equal(setUp({ min: 50 }).adaptive.limit, 50);
  });

  test('is halved until the latency without a queue is known', () => {
    const { adaptive, answers, clock } = setUp();
    answers(9, 10);
    assert.equal(adaptive.limit, 20);
    answers(1, 10);
    assert.equal(adaptive.limit, 10);
    assert.equal(adaptive.baselineMs, undefined);
    clock.nowMs += 10;
    answers(19, 10);
    assert.equal(adaptive.limit, 10);
    answers(1, 10);
    assert.equal(adaptive.limit, 20);
    near(adaptive.baselineMs, 10);
  });

  test('grows while latency stays as it is without a queue, up to the most', () => {
    const { adaptive, measured, window } = setUp({ max: 200 });
    measured(10);
    const limits = Array.from({ length: 12 }, () => {
      window(10);
      return adaptive.limit;
    });
    assert.deepEqual(limits.slice(0, 3), [29, 41, 57]);
    assert.equal(limits.at(-1), 200);
  });

  test('tolerates the headroom above it', () => {
    const { adaptive, measured, window } = setUp({ headroom: 60 });
    measured(10);
    window(15);
    assert.ok(adaptive.limit > 20);
  });

  test('falls when latency rises, by half at most, down to the least', () => {
    const { adaptive, measured, window } = setUp({ min: 4 });
    measured(10);
    for (let i = 0; i < 10; i++) window(10);
    const before = adaptive.limit;
    window(10_000);
    assert.ok(adaptive.limit >= before / 2 && adaptive.limit < before * 0.6);
    for (let i = 0; i < 12; i++) window(10_000);
    assert.equal(adaptive.limit, 4);
  });

  test('falls when no answer comes, and does not take the wait for the latency of the service', () => {
    const { adaptive, measured, answers, clock } = setUp({ min: 4 });
    measured(10);
    for (let i = 0; i < 500; i++) {
      clock.nowMs += 10;
      adaptive.observeTimeout(60_000, clock.nowMs);
    }
    assert.equal(adaptive.limit, 4);
    near(adaptive.baselineMs, 10);
    answers(200, 10, 10);
    assert.ok(adaptive.limit > 20, 'it is back soon after the service');
  });

  test('goes by the median: a few slow answers change nothing', () => {
    const { adaptive, measured, answers } = setUp();
    measured(10);
    answers(6, 10, 10);
    answers(4, 10_000, 10);
    assert.ok(adaptive.limit > 20);
  });

  test('is corrected once in a window', () => {
    const { adaptive, measured, answers } = setUp({ window: '100ms' });
    measured(10);
    answers(99, 10);
    assert.equal(adaptive.limit, 20);
    answers(1, 10);
    assert.equal(adaptive.limit, 29);
    answers(99, 10);
    assert.equal(adaptive.limit, 29);
  });

  test('is corrected no more often than every two latencies', () => {
    const { adaptive, measured, answers } = setUp({ window: '100ms' });
    measured(500);
    const { limit } = adaptive;
    answers(900, 500);
    assert.equal(adaptive.limit, limit);
    answers(150, 500);
    assert.ok(adaptive.limit > limit);
  });

  test('is not corrected by fewer than ten answers', () => {
    const { adaptive, measured, answers } = setUp();
    measured(10);
    answers(9, 10_000, 1000);
    assert.equal(adaptive.limit, 20);
    answers(1, 10_000, 1000);
    assert.ok(adaptive.limit < 20);
  });

  test('doubts what it takes for the latency without a queue after five windows at the least', () => {
    const { adaptive, answers, measured, window, clock } = setUp({ min: 10, measureEvery: '1h' });
    measured(10);
    for (let i = 0; i < 6; i++) window(40);
    assert.equal(adaptive.limit, 10);
    clock.nowMs += 40;
    answers(20, 40);
    near(adaptive.baselineMs, 40);
    window(40);
    assert.ok(adaptive.limit > 10);
  });

  test('is halved for a measurement now and then', () => {
    const { adaptive, answers, measured, window, clock } = setUp({ measureEvery: '60s' });
    measured(10);
    window(10);
    assert.equal(adaptive.limit, 29);
    clock.nowMs += 59_700;
    window(10);
    assert.equal(adaptive.limit, 41);
    window(10);
    assert.equal(adaptive.limit, 28, 'half of 57');
    clock.nowMs += 12;
    answers(20, 12);
    near(adaptive.baselineMs, 12);
    assert.equal(adaptive.limit, 57);
  });

  test('does not measure by requests from before it was halved', () => {
    const { adaptive, answers, clock } = setUp();
    answers(10, 10);
    answers(100, 500);
    assert.equal(adaptive.baselineMs, undefined);
    clock.nowMs += 10;
    answers(20, 10);
    near(adaptive.baselineMs, 10);
  });

  test('is one for all workers', () => {
    const { adaptive, other, clock, measured } = setUp();
    measured(10);
    for (let i = 0; i < 10; i++) {
      clock.nowMs += 10;
      (i % 2 === 0 ? adaptive : other).observe(10, clock.nowMs);
    }
    assert.deepEqual([adaptive.limit, other.limit], [29, 29]);
  });

  test('is corrected by another worker when one dies in the middle of it', () => {
    const { adaptive, measured, region, window } = setUp();
    measured(10);
    region.lock.tryAcquire();
    window(10);
    assert.equal(adaptive.limit, 20);
    region.lock.forgetWorker(1);
    window(10);
    assert.equal(adaptive.limit, 29);
  });

  test('stays within its bounds whatever it is told', () => {
    const latency = fc.oneof(
      fc.double({ min: 0, max: 100_000 }),
      fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(latency, fc.nat(300)), { maxLength: 500 }), (steps) => {
        const { adaptive, clock } = setUp({ min: 5, max: 60, measureRequests: 10, measureEvery: '1s' });
        for (const [latencyMs, passMs] of steps) {
          clock.nowMs += passMs;
          adaptive.observe(latencyMs, clock.nowMs);
          assert.ok(Number.isInteger(adaptive.limit) && adaptive.limit >= 5 && adaptive.limit <= 60);
        }
      }),
    );
  });
});

suite('a service that takes so many at once and keeps the others waiting', () => {
  test('is offered about as many, when more would come than it can take', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 200 }),
        fc.integer({ min: 2, max: 200 }),
        (capacity, serviceMs) => {
          const { adaptive, clock } = setUp({ measureRequests: 50 });
          for (let round = 0; round < 400; round++) {
            const underWay = adaptive.limit;
            const latencyMs = serviceMs * Math.max(1, underWay / capacity);
            for (let i = 0; i < underWay; i++) {
              clock.nowMs += latencyMs / underWay;
              adaptive.observe(latencyMs, clock.nowMs);
            }
          }
          const { limit } = adaptive;
          // It is used up, and the queue is short: the headroom, the square root and what neighbouring buckets are apart.
          assert.ok(limit >= capacity * 0.5, `${limit} of ${capacity}`);
          assert.ok(limit <= capacity * 1.5 + 2 * Math.sqrt(capacity), `${limit} of ${capacity}`);
        },
      ),
      { numRuns: 30 },
    );
  });
});
