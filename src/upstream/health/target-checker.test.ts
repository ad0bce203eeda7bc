import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { TargetHealth } from '../cells.ts';
import { CheckSlots } from './check-slots.ts';
import { type CheckOutcome, failed, PASSED } from './probe.ts';
import { activeHealthSchema } from './schema.ts';
import { TargetChecker } from './target-checker.ts';

/** A checker whose probe is played by the test, on a clock that stands still until it is moved. */
function setUp(
  t: TestContext,
  {
    settings = {},
    health = 'unknown',
    random = () => 0.5,
    slots = 10,
  }: { settings?: object; health?: TargetHealth; random?: () => number; slots?: number } = {},
) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
  const events: string[] = [];
  const underWay: ((outcome: CheckOutcome) => void)[] = [];
  const checker: TargetChecker = new TargetChecker(
    (settle) => {
      events.push(`begins at ${Date.now()}`);
      underWay.push(settle);
      return () => events.push(`given up at ${Date.now()}`);
    },
    activeHealthSchema.parse({ interval: '10s', timeout: '2s', ...settings }),
    health,
    { slots: new CheckSlots(slots), random },
    (now, { cause, at }) => {
      events.push(`${now} at ${at}${cause && `: ${cause}`}`);
      if (cause === 'close') checker.close();
    },
  );
  t.after(() => checker.close());
  return {
    checker,
    told: () => events.splice(0),
    end: (outcome: CheckOutcome) => underWay.pop()?.(outcome),
    pass: (ms: number) => t.mock.timers.tick(ms),
  };
}

suite('the checks of a target', () => {
  test('begin at once, go on within the interval, then at the interval from the end of one to the next', (t) => {
    const { told, end, pass } = setUp(t, { random: () => 0.3, settings: { jitter: 0 } });
    assert.deepEqual(told(), ['begins at 0']);
    pass(50);
    end(PASSED);
    assert.deepEqual(told(), ['up at 50']);
    pass(2999);
    assert.deepEqual(told(), []);
    pass(1);
    assert.deepEqual(told(), ['begins at 3050']);
    pass(1000);
    end(PASSED);
    pass(9999);
    assert.deepEqual(told(), []);
    pass(1);
    assert.deepEqual(told(), ['begins at 14050']);
  });

  for (const [random, pauseMs] of [
    [0, 9000],
    [0.5, 10_000],
    [0.75, 10_500],
  ] as const) {
    test(`are ${pauseMs} ms apart with a jitter of 10 per cent and ${random} from the dice`, (t) => {
      const { told, end, pass } = setUp(t, { random: () => random });
      end(PASSED);
      pass(10_000 * random);
      end(PASSED);
      told();
      pass(pauseMs - 1);
      assert.deepEqual(told(), []);
      pass(1);
      assert.equal(told().length, 1);
    });
  }

  test('fail when they take too long, and are given up', (t) => {
    const { told, pass } = setUp(t);
    pass(1999);
    assert.deepEqual(told(), ['begins at 0']);
    pass(1);
    assert.deepEqual(told(), ['given up at 2000', 'down at 2000: no result within 2000 ms']);
  });

  test('begin with what was known before', (t) => {
    const { told, end, pass } = setUp(t, { health: 'up', settings: { unhealthyAfter: 2 } });
    end(failed('status 500'));
    pass(5000);
    end(failed('status 500'));
    assert.deepEqual(told(), ['begins at 0', 'begins at 5000', 'down at 5000: status 500']);
  });

  test('wait for room among those of other targets, and the timeout waits with them', (t) => {
    const { checker, told, pass } = setUp(t, { slots: 0 });
    pass(60_000);
    assert.deepEqual(told(), []);
    assert.equal(checker.last, undefined);
  });

  test('are remembered: the last one', (t) => {
    const { checker, end } = setUp(t);
    end(failed('ECONNREFUSED'));
    const { tookMs, ...last } = checker.last ?? { tookMs: -1 };
    assert.deepEqual(last, { passed: false, cause: 'ECONNREFUSED', at: 0 });
    assert.ok(tookMs >= 0);
  });

  test('are over when the checker is closed, also in the middle of one', (t) => {
    const { checker, told, pass } = setUp(t);
    checker.close();
    pass(60_000);
    assert.deepEqual(told(), ['begins at 0', 'given up at 0']);
  });

  test('are over when the one who is told closes the checker', (t) => {
    const { told, end, pass } = setUp(t);
    end(failed('close'));
    pass(60_000);
    assert.deepEqual(told(), ['begins at 0', 'down at 0: close']);
  });
});
