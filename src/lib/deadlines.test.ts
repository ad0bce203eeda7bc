import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Deadline, Deadlines, SWEEP_MS } from './deadlines.ts';

/** A clock that stands still until it is moved, and what is watched by it. */
function setUp() {
  const clock = { nowMs: 1000 };
  const deadlines = new Deadlines(() => clock.nowMs);
  const calls: string[] = [];
  const add = (
    name: string,
    deadlineMs: number,
    act?: (entry: Deadline, nowMs: number) => void,
  ): Deadline => {
    const entry: Deadline = {
      deadlineMs,
      onDeadline(nowMs) {
        calls.push(`${name} ${nowMs}`);
        act?.(entry, nowMs);
      },
    };
    deadlines.add(entry);
    return entry;
  };
  const sweepAt = (nowMs: number): string[] => {
    clock.nowMs = nowMs;
    deadlines.sweep();
    return calls.splice(0);
  };
  return { clock, deadlines, add, sweepAt };
}

/** Ends the interval: the entries are what it runs for. */
function remove(deadlines: Deadlines, ...entries: Deadline[]): void {
  for (const entry of entries) deadlines.remove(entry);
}

suite('a deadline', () => {
  test('is told once it has come, with the time, not before', () => {
    const { deadlines, add, sweepAt } = setUp();
    const entry = add('a', 1500, (own) => (own.deadlineMs = Number.POSITIVE_INFINITY));
    assert.deepEqual(sweepAt(1499), []);
    assert.deepEqual(sweepAt(1500), ['a 1500']);
    assert.deepEqual(sweepAt(9999), []);
    remove(deadlines, entry);
  });

  test('is told again at each sweep until it is moved or removed', () => {
    const { deadlines, add, sweepAt } = setUp();
    const entry = add('a', 1500);
    assert.deepEqual(sweepAt(1600), ['a 1600']);
    assert.deepEqual(sweepAt(1700), ['a 1700']);
    entry.deadlineMs = 1900;
    assert.deepEqual(sweepAt(1800), []);
    assert.deepEqual(sweepAt(1900), ['a 1900']);
    remove(deadlines, entry);
    assert.deepEqual(sweepAt(2000), []);
  });

  test('of Infinity never comes', () => {
    const { deadlines, add, sweepAt } = setUp();
    const entry = add('a', Number.POSITIVE_INFINITY);
    assert.deepEqual(sweepAt(Number.MAX_SAFE_INTEGER), []);
    remove(deadlines, entry);
  });

  test('may remove itself and others, or add one, while all are told', () => {
    const { deadlines, add, sweepAt } = setUp();
    const late: Deadline[] = [];
    const first = add('first', 1100, (own) => {
      remove(deadlines, own, second);
      late.push(add('late', 1100));
    });
    const second = add('second', 1100);
    assert.deepEqual(sweepAt(1100), ['first 1100', 'late 1100']);
    assert.deepEqual(sweepAt(1200), ['late 1200']);
    remove(deadlines, first, ...late);
  });

  test('of an entry that was added twice is told once', () => {
    const { deadlines, add, sweepAt } = setUp();
    const entry = add('a', 1100);
    deadlines.add(entry);
    assert.deepEqual(sweepAt(1100), ['a 1100']);
    remove(deadlines, entry);
    assert.deepEqual(sweepAt(1200), []);
  });
});

suite('a time from now', () => {
  test('is never early, and at most two sweeps late', () => {
    const { clock, deadlines, add, sweepAt } = setUp();
    const keeper = add('keeper', Number.POSITIVE_INFINITY);
    // Asked for just before the next sweep: the time at hand is then as old as it can be.
    clock.nowMs = 1000 + SWEEP_MS - 1;
    const entry = add('a', deadlines.after(250));
    const due = clock.nowMs + 250;
    let told = 0;
    for (let nowMs = 1000 + SWEEP_MS; told === 0; nowMs += SWEEP_MS)
      if (sweepAt(nowMs).length > 0) told = nowMs;
    assert.ok(told >= due && told <= due + 2 * SWEEP_MS, `due ${due}, told ${told}`);
    remove(deadlines, entry, keeper);
  });

  test('of 0 is for ever', () => assert.equal(setUp().deadlines.after(0), Number.POSITIVE_INFINITY));

  test('is as precise as sweeps are frequent', () => {
    const deadlines = new Deadlines(() => 1000, 5);
    assert.equal(deadlines.after(10), 1000 + 10 + 5);
  });

  test('counts from the last sweep', () => {
    const { clock, deadlines, add, sweepAt } = setUp();
    const keeper = add('keeper', Number.POSITIVE_INFINITY);
    sweepAt(5000);
    clock.nowMs = 5050;
    assert.equal(deadlines.nowMs, 5000);
    assert.equal(deadlines.after(10), 5000 + 10 + SWEEP_MS);
    remove(deadlines, keeper);
  });

  test('counts from when the first entry comes after a time without any', () => {
    const { clock, deadlines, add } = setUp();
    clock.nowMs = 60_000;
    const entry = add('a', Number.POSITIVE_INFINITY);
    assert.equal(deadlines.nowMs, 60_000);
    remove(deadlines, entry);
  });
});

suite('the interval', () => {
  test('sweeps ten times a second while there is something to watch, and only then', (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const { clock, deadlines } = setUp();
    let calls = 0;
    const entry: Deadline = { deadlineMs: 0, onDeadline: () => calls++ };
    const elapse = (ms: number) => {
      clock.nowMs += ms;
      context.mock.timers.tick(ms);
    };
    elapse(1000);
    assert.equal(calls, 0);
    deadlines.add(entry);
    for (let i = 0; i < 10; i++) elapse(SWEEP_MS);
    assert.equal(calls, 10);
    deadlines.remove(entry);
    deadlines.remove(entry);
    elapse(1000);
    assert.equal(calls, 10);
    deadlines.add(entry);
    elapse(SWEEP_MS);
    assert.equal(calls, 11);
    deadlines.remove(entry);
  });
});
