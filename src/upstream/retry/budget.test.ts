import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ServiceCell } from '../cells.ts';
import { RetryBudget } from './budget.ts';
import { retryBudgetSchema } from './budget-schema.ts';

/** So many requests under way, all begun now, as two workers see them. */
function setUp(options: object, requests: number) {
  const cell = new ServiceCell(ServiceCell.allocate(), 0);
  const other = new ServiceCell(cell.shared, 1);
  const clock = { nowMs: 5_000_000 };
  const [one, two] = [cell, other].map(
    (each) => new RetryBudget(each, retryBudgetSchema.parse(options), () => clock.nowMs),
  );
  const budgets: [RetryBudget, RetryBudget] = [one as RetryBudget, two as RetryBudget];
  for (let i = 0; i < requests; i++) {
    cell.inFlight.enter();
    budgets[0].countRequest(clock.nowMs);
  }
  return { cell, budgets, clock };
}

/** How many retries are allowed at once, taken by two workers in turn. */
function most(budgets: readonly [RetryBudget, RetryBudget]): number {
  let taken = 0;
  while (taken < 1000 && budgets[taken % 2 === 0 ? 0 : 1].tryTake()) taken++;
  return taken;
}

suite('retries under way at once', () => {
  const table: readonly [options: object, requests: number, retries: number][] = [
    [{}, 0, 3],
    [{}, 15, 3],
    [{}, 19, 3],
    [{}, 20, 4],
    [{}, 1000, 200],
    [{ ratio: 50 }, 10, 5],
    [{ min: 0 }, 4, 0],
    [{ min: 0 }, 5, 1],
    [{ ratio: 0, min: 0 }, 1000, 0],
    [{ ratio: 0, min: 2 }, 1000, 2],
  ];
  for (const [options, requests, retries] of table) {
    test(`are ${retries} with ${requests} requests under way and ${JSON.stringify(options)}`, () => {
      assert.equal(most(setUp(options, requests).budgets), retries);
    });
  }

  test('may be more when one has ended', () => {
    const { cell, budgets, clock } = setUp({}, 0);
    assert.equal(most(budgets), 3);
    budgets[0].giveBack();
    clock.nowMs += 20_000;
    assert.deepEqual([budgets[1].tryTake(), budgets[1].tryTake()], [true, false]);
    assert.equal(cell.retries.total(), 3);
  });

  test('may be more when the worker that made them died', () => {
    const { cell, budgets, clock } = setUp({}, 0);
    assert.equal(most(budgets), 3);
    cell.forgetWorker(1);
    clock.nowMs += 20_000;
    assert.equal(most(budgets), 1);
  });
});

suite('retries of ten seconds', () => {
  test('are the share of the requests, however few are under way at once', () => {
    const { budgets, clock } = setUp({}, 0);
    let retries = 0;
    for (let request = 0; request < 1000; request++) {
      clock.nowMs += 10;
      budgets[0].countRequest(clock.nowMs);
      if (!budgets[1].tryTake()) continue;
      budgets[1].giveBack();
      retries++;
    }
    assert.ok(retries <= 200 && retries > 190, `${retries} of 1000`);
  });

  test('are so many at least, where there are hardly any requests', () => {
    const { budgets, clock } = setUp({}, 1);
    const take = (): boolean => {
      const taken = budgets[0].tryTake();
      if (taken) budgets[0].giveBack();
      return taken;
    };
    assert.deepEqual([take(), take(), take(), take()], [true, true, true, false]);
    clock.nowMs += 10_000;
    assert.equal(take(), true);
  });
});

suite('whatever requests and retries begin and end', () => {
  test('a retry is made exactly where both shares have room', () => {
    const step = fc.constantFrom('request', 'request', 'end', 'retry', 'retry', 'giveBack');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(100), fc.nat(5), (steps, ratio, min) => {
        const { cell, budgets, clock } = setUp({ ratio, min }, 0);
        const share = (requests: number): number => Math.max(min, Math.floor((requests * ratio) / 100));
        const underWay = { requests: 0, retries: 0 };
        const all = { requests: 0, retries: 0 };
        for (const act of steps) {
          if (act === 'request') {
            cell.inFlight.enter();
            budgets[0].countRequest(clock.nowMs);
            underWay.requests++;
            all.requests++;
          } else if (act === 'end' && underWay.requests > 0) {
            cell.inFlight.leave();
            underWay.requests--;
          } else if (act === 'retry') {
            const room = underWay.retries < share(underWay.requests) && all.retries < share(all.requests);
            assert.equal(budgets[0].tryTake(), room);
            if (room) underWay.retries++;
            if (room) all.retries++;
          } else if (act === 'giveBack' && underWay.retries > 0) {
            budgets[0].giveBack();
            underWay.retries--;
          }
          assert.equal(cell.retries.total(), underWay.retries);
        }
      }),
    );
  });
});
