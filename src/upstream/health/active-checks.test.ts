import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { TargetHealth } from '../cells.ts';
import { ActiveChecks } from './active-checks.ts';
import { CheckSlots } from './check-slots.ts';
import { type CheckOutcome, PASSED } from './probe.ts';
import { activeHealthSchema } from './schema.ts';

function setUp(t: TestContext, random: () => number = () => 0.5, slots = 100) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
  const events: string[] = [];
  const settles = new Map<string, (outcome: CheckOutcome) => void>();
  const checks = new ActiveChecks(
    activeHealthSchema.parse({ interval: '10s', jitter: 0 }),
    (url) => (settle) => {
      events.push(`${url} begins`);
      settles.set(url, settle);
      return () => events.push(`${url} is given up`);
    },
    { slots: new CheckSlots(slots), random },
    {
      healthOf: (url): TargetHealth => (url === 'old' ? 'up' : 'unknown'),
      onChange: (url, health) => events.push(`${url} is ${health}`),
    },
  );
  return {
    checks,
    told: () => events.splice(0),
    end: (url: string, outcome: CheckOutcome) => settles.get(url)?.(outcome),
    pass: (ms: number) => t.mock.timers.tick(ms),
  };
}

suite('the checks of a service', () => {
  test('are those of its targets, as these come and go', (t) => {
    const { checks, told, end, pass } = setUp(t);
    checks.watch(new Set(['a', 'b']));
    end('a', PASSED);
    assert.deepEqual(told(), ['a begins', 'b begins', 'a is up']);
    checks.watch(new Set(['a', 'c']));
    assert.deepEqual(told(), ['b is given up', 'c begins']);
    assert.equal(checks.last('a')?.passed, true);
    assert.equal(checks.last('b'), undefined);
    pass(5000);
    assert.deepEqual(told(), ['c is given up', 'c is down', 'a begins']);
    checks.close();
  });

  test('begin with what their keeper knows', (t) => {
    const { checks, told, end } = setUp(t);
    checks.watch(new Set(['old']));
    end('old', PASSED);
    assert.deepEqual(told(), ['old begins']);
    checks.close();
  });

  test('of a hundred targets that came at once do not stay together', (t) => {
    let turn = 0;
    const { checks, told, end, pass } = setUp(t, () => (turn++ % 100) / 100);
    const urls = Array.from({ length: 100 }, (_, index) => `t${index}`);
    checks.watch(new Set(urls));
    for (const url of urls) end(url, PASSED);
    told();
    for (let second = 0; second < 10; second++) {
      pass(999);
      const begun = told().filter((event) => event.endsWith('begins'));
      assert.equal(begun.length, 10, `in second ${second}`);
      pass(1);
    }
    checks.close();
  });

  test('are over, all of them, when they are closed', (t) => {
    const { checks, told, end, pass } = setUp(t);
    checks.watch(new Set(['a', 'b']));
    end('a', PASSED);
    checks.close();
    pass(60_000);
    assert.deepEqual(told(), ['a begins', 'b begins', 'a is up', 'b is given up']);
  });
});
