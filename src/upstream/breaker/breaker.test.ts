import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Breaker, type BreakerChange, type Permit, REJECTED } from './breaker.ts';
import { BreakerRegion } from './region.ts';
import { breakerSchema } from './schema.ts';

/** A breaker on a clock that stands still until it is moved, with what it reported. */
function setUp(options: object = {}) {
  const settings = breakerSchema.parse({
    minRequests: 4,
    openFor: '5s',
    maxOpenFor: '20s',
    probes: 2,
    closeAfter: 3,
    ...options,
  });
  const region = new BreakerRegion(new SharedArrayBuffer(BreakerRegion.BYTES), 0, 0);
  const clock = { nowMs: 1_000_000, random: 0 };
  const changes: BreakerChange[] = [];
  const breaker = new Breaker(
    region,
    settings,
    () => clock.random,
    (change) => changes.push(change),
  );
  const admit = (): Permit => breaker.admit(clock.nowMs);
  const request = (failed: boolean, latencyMs = 1): void => {
    const permit = admit();
    assert.notEqual(permit, REJECTED, 'the request was refused');
    breaker.record(permit, failed, latencyMs, clock.nowMs);
  };
  const harness = {
    region,
    breaker,
    clock,
    admit,
    succeed: (times = 1, latencyMs = 1) => {
      for (let i = 0; i < times; i++) request(false, latencyMs);
    },
    fail: (times = 1) => {
      for (let i = 0; i < times; i++) request(true);
    },
    end: (permit: Permit, failed: boolean, latencyMs = 1) =>
      breaker.record(permit, failed, latencyMs, clock.nowMs),
    pass: (ms: number) => {
      clock.nowMs += ms;
    },
    state: () => breaker.state(clock.nowMs),
    /** What it reported since it was last asked. */
    told: () => changes.splice(0).map(({ from, to, cause, openMs }) => `${from} > ${to}: ${cause} ${openMs}`),
    /** From closed to half-open. */
    halfOpen: () => {
      harness.fail(4);
      harness.pass(5000);
      harness.told();
    },
    /** From half-open to ramping. */
    close: () => {
      harness.succeed(3);
      assert.equal(harness.state(), 'ramping');
      harness.told();
    },
  };
  return harness;
}

suite('a closed breaker', () => {
  test('lets everything through', () => {
    const { breaker, succeed, state, told, clock } = setUp();
    succeed(100);
    assert.equal(state(), 'closed');
    assert.equal(breaker.retryAfterMs(clock.nowMs), 0);
    assert.deepEqual(told(), []);
  });

  test('opens once the ratio of failures is reached, at the failure that reaches it', () => {
    const { succeed, fail, state, told } = setUp();
    succeed(5);
    fail(4);
    assert.equal(state(), 'closed');
    fail(1);
    assert.equal(state(), 'open');
    assert.deepEqual(told(), ['closed > open: error-ratio 5000']);
  });

  test('does not open by ratio below the minimum of requests', () => {
    const { fail, state } = setUp({ minRequests: 5 });
    fail(4);
    assert.equal(state(), 'closed');
    fail(1);
    assert.equal(state(), 'open');
  });

  test('forgets what is further back than its window', () => {
    const { fail, pass, succeed, state } = setUp({ window: '10s' });
    fail(3);
    pass(11_000);
    succeed(4);
    fail(3);
    assert.equal(state(), 'closed');
  });

  test('remembers what is within its window, however it is spread', () => {
    const { fail, pass, state } = setUp({ window: '10s' });
    for (let i = 0; i < 3; i++) {
      fail();
      pass(2500);
    }
    fail();
    assert.equal(state(), 'open');
  });

  test('opens at so many failures in a row, below the minimum of requests', () => {
    const { fail, succeed, state, told } = setUp({ consecutive: 3, minRequests: 1000 });
    fail(2);
    succeed();
    fail(2);
    assert.equal(state(), 'closed');
    fail();
    assert.deepEqual(told(), ['closed > open: consecutive-failures 5000']);
  });

  test('does not count failures in a row unless it is told to', () => {
    const { fail, state } = setUp({ minRequests: 1000 });
    fail(999);
    assert.equal(state(), 'closed');
  });

  test('opens once the ratio of slow answers is reached, though none failed', () => {
    const { succeed, state, told } = setUp({ slowAfter: '500ms', slowRatio: 0.25 });
    succeed(6);
    succeed(1, 501);
    assert.equal(state(), 'closed');
    succeed(1, 501);
    assert.deepEqual(told(), ['closed > open: slow-ratio 5000']);
  });

  test('takes no answer for slow that is just in time, nor any where none is', () => {
    const inTime = setUp({ slowAfter: '500ms' });
    inTime.succeed(10, 500);
    assert.equal(inTime.state(), 'closed');
    const without = setUp();
    without.succeed(10, 3_600_000);
    assert.equal(without.state(), 'closed');
  });

  test('learns nothing of a request that is given back', () => {
    const { breaker, admit, succeed, fail, state, clock } = setUp();
    succeed(1);
    for (let i = 0; i < 100; i++) breaker.release(admit(), 0, clock.nowMs);
    fail(2);
    assert.equal(state(), 'closed');
    fail(1);
    assert.equal(state(), 'open');
  });
});

suite('a request whose client left', () => {
  const SLOW = { slowAfter: '500ms', slowRatio: 0.5, consecutive: 3 };

  test('was slow if it had waited for longer than an answer may take', () => {
    const { breaker, admit, clock, told } = setUp(SLOW);
    for (let i = 0; i < 4; i++) breaker.release(admit(), 501, clock.nowMs);
    assert.deepEqual(told(), ['closed > open: slow-ratio 5000']);
  });

  test('tells nothing if it had not waited so long, or the service did not have all of it', () => {
    const { breaker, admit, clock, state } = setUp(SLOW);
    for (const waitedMs of [500, 0, -1]) {
      for (let i = 0; i < 4; i++) breaker.release(admit(), waitedMs, clock.nowMs);
    }
    assert.equal(state(), 'closed');
  });

  test('is no success between failures', () => {
    const { breaker, admit, fail, clock, told } = setUp({ ...SLOW, minRequests: 100 });
    fail(2);
    breaker.release(admit(), 501, clock.nowMs);
    fail(1);
    assert.deepEqual(told(), ['closed > open: consecutive-failures 5000']);
  });

  test('was a probe that failed if it was slow', () => {
    const { breaker, admit, halfOpen, clock, told } = setUp({ slowAfter: '500ms' });
    halfOpen();
    breaker.release(admit(), 501, clock.nowMs);
    assert.deepEqual(told(), ['open > half-open: open-time-over 0', 'half-open > open: probe-failed 10000']);
  });
});

suite('an open breaker', () => {
  test('refuses everything until its time is over, and says how long that is', () => {
    const { breaker, admit, fail, pass, clock } = setUp();
    fail(4);
    assert.equal(admit(), REJECTED);
    assert.equal(breaker.retryAfterMs(clock.nowMs), 5000);
    pass(4999);
    assert.equal(admit(), REJECTED);
    assert.equal(breaker.retryAfterMs(clock.nowMs), 1);
  });

  test('is not moved by what was under way when it opened', () => {
    const { admit, end, fail, state, told } = setUp();
    const before = [admit(), admit(), admit()];
    fail(4);
    told();
    for (const permit of before) end(permit, true);
    assert.equal(state(), 'open');
    assert.deepEqual(told(), []);
  });

  test('becomes half-open with the first request after its time', () => {
    const { admit, fail, pass, state, told } = setUp();
    fail(4);
    told();
    pass(5000);
    assert.equal(state(), 'half-open');
    assert.deepEqual(told(), []);
    assert.notEqual(admit(), REJECTED);
    assert.deepEqual(told(), ['open > half-open: open-time-over 0']);
  });
});

suite('a half-open breaker', () => {
  test('lets so many requests through at once, and another when one has ended', () => {
    const { admit, end, halfOpen } = setUp();
    halfOpen();
    const first = admit();
    assert.notEqual(first, REJECTED);
    assert.notEqual(admit(), REJECTED);
    assert.equal(admit(), REJECTED);
    end(first, false);
    assert.notEqual(admit(), REJECTED);
    assert.equal(admit(), REJECTED);
  });

  test('gives the permit of a client that left to another, and closes no sooner by it', () => {
    const { breaker, admit, halfOpen, succeed, state, clock } = setUp();
    halfOpen();
    for (let i = 0; i < 10; i++) {
      const permit = admit();
      assert.notEqual(permit, REJECTED);
      breaker.release(permit, 0, clock.nowMs);
    }
    succeed(2);
    assert.equal(state(), 'half-open');
  });

  test('closes at so many successes, and ramps up', () => {
    const { halfOpen, succeed, state, told } = setUp();
    halfOpen();
    succeed(2);
    told();
    succeed(1);
    assert.equal(state(), 'ramping');
    assert.deepEqual(told(), ['half-open > ramping: probes-succeeded 0']);
  });

  test('closes at once where there is no ramp', () => {
    const { halfOpen, succeed, state, told } = setUp({ rampUp: '0s' });
    halfOpen();
    succeed(3);
    assert.equal(state(), 'closed');
    assert.deepEqual(told().slice(1), ['half-open > closed: probes-succeeded 0']);
  });

  for (const [what, failed, latencyMs] of [
    ['failed', true, 1],
    ['slow', false, 501],
  ] as const) {
    test(`opens again at a ${what} probe, for twice the time`, () => {
      const { admit, end, halfOpen, told } = setUp({ slowAfter: '500ms' });
      halfOpen();
      end(admit(), false);
      const permit = admit();
      told();
      end(permit, failed, latencyMs);
      assert.deepEqual(told(), ['half-open > open: probe-failed 10000']);
      assert.equal(admit(), REJECTED);
    });
  }

  test('counts no probe of the time before it opened again', () => {
    const { admit, end, halfOpen, pass, state, succeed } = setUp();
    halfOpen();
    const late = admit();
    end(admit(), true);
    pass(10_000);
    succeed(2);
    end(late, false);
    assert.equal(state(), 'half-open');
    end(late, true);
    assert.equal(state(), 'half-open');
    succeed(1);
    assert.equal(state(), 'ramping');
  });

  test('counts no request of the time before it opened', () => {
    const { admit, end, halfOpen, state } = setUp();
    const late = admit();
    halfOpen();
    admit();
    end(late, true);
    assert.equal(state(), 'half-open');
  });

  test('opens again when all its permits are out for longer than the longest open time', () => {
    const { admit, halfOpen, pass, told } = setUp();
    halfOpen();
    admit();
    admit();
    told();
    pass(20_000);
    assert.equal(admit(), REJECTED);
    assert.deepEqual(told(), []);
    pass(1000);
    assert.equal(admit(), REJECTED);
    assert.deepEqual(told(), ['half-open > open: probes-lost 10000']);
    pass(10_000);
    assert.notEqual(admit(), REJECTED);
  });

  test('gets the permits of a worker that died back', () => {
    const { region, admit, halfOpen, state, succeed } = setUp();
    halfOpen();
    admit();
    admit();
    assert.equal(admit(), REJECTED);
    region.forgetWorker(0);
    succeed(3);
    assert.equal(state(), 'ramping');
  });
});

suite('a ramping breaker', () => {
  test('lets a share through that grows to all', () => {
    const { admit, clock, close, halfOpen, pass } = setUp({ rampUp: '10s' });
    halfOpen();
    close();
    const shares: number[] = [];
    for (let second = 0; second < 10; second++) {
      let passed = 0;
      for (let i = 0; i < 100; i++) {
        clock.random = i / 100;
        if (admit() !== REJECTED) passed++;
      }
      shares.push(passed);
      pass(1000);
    }
    assert.deepEqual(shares, [10, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  });

  test('is closed when its time is over, and lets everything through', () => {
    const { admit, clock, close, halfOpen, pass, state, told } = setUp({ rampUp: '10s' });
    halfOpen();
    close();
    clock.random = 0.999;
    pass(9_000);
    assert.equal(admit(), REJECTED);
    pass(1_000);
    assert.equal(state(), 'closed');
    assert.notEqual(admit(), REJECTED);
    assert.deepEqual(told(), ['ramping > closed: ramped-up 0']);
  });

  test('opens by the same rules as a closed one, with nothing left of the outage', () => {
    const { close, fail, halfOpen, state, told } = setUp();
    halfOpen();
    close();
    fail(3);
    assert.equal(state(), 'ramping');
    fail(1);
    assert.deepEqual(told(), ['ramping > open: error-ratio 10000']);
  });

  test('counts what began in it after it is closed, too', () => {
    const { admit, close, end, fail, halfOpen, pass, state } = setUp();
    halfOpen();
    close();
    const permit = admit();
    pass(10_000);
    fail(3);
    end(permit, true);
    assert.equal(state(), 'open');
  });
});

suite('the open time', () => {
  test('doubles each time in a row, up to the longest', () => {
    const { admit, end, fail, pass, told } = setUp();
    fail(4);
    for (const openMs of [5000, 10_000, 20_000, 20_000]) {
      assert.match(told().at(-1) ?? '', new RegExp(` ${openMs}$`));
      pass(openMs);
      end(admit(), true);
    }
  });

  test('begins anew once it stayed closed for a whole window', () => {
    const { close, fail, halfOpen, pass, succeed, told } = setUp({ window: '10s', rampUp: '10s' });
    halfOpen();
    close();
    pass(10_000);
    succeed();
    pass(10_000);
    told();
    fail(4);
    assert.deepEqual(told(), ['closed > open: error-ratio 5000']);
  });

  test('goes on doubling when it did not', () => {
    const { close, fail, halfOpen, pass, succeed, told } = setUp({ window: '10s', rampUp: '10s' });
    halfOpen();
    close();
    pass(10_000);
    succeed();
    pass(9_999);
    told();
    fail(3);
    assert.deepEqual(told(), ['closed > open: error-ratio 10000']);
  });
});

suite('a worker that died', () => {
  test('in the middle of a change of state leaves it to another', () => {
    const { region, fail, state } = setUp();
    assert.equal(region.lock.tryAcquire(), true);
    fail(4);
    assert.equal(state(), 'closed');
    region.forgetWorker(0);
    fail(1);
    assert.equal(state(), 'open');
  });
});
