import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ServiceCell } from '../cells.ts';
import { RetryBudget } from './budget.ts';
import { retryBudgetSchema } from './budget-schema.ts';

function setUp(options: object, requests: number) {
  const cell = new ServiceCell(ServiceCell.allocate(), 0);
  for (let i = 0; i < requests; i++) cell.inFlight.enter();
  const other = new ServiceCell(cell.shared, 1);
  const budgets = [cell, other].map((each) => new RetryBudget(each, retryBudgetSchema.parse(options)));
  return { cell, budgets: budgets as [RetryBudget, RetryBudget] };
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
    const { budgets } = setUp({}, 0);
    most(budgets);
    budgets[0].giveBack();
    assert.deepEqual([budgets[1].tryTake(), budgets[1].tryTake()], [true, false]);
  });

  test('may be more when the worker that made them died', () => {
    const { cell, budgets } = setUp({}, 0);
    most(budgets);
    cell.forgetWorker(1);
    assert.equal(most(budgets), 1);
  });

  test('are never more than the budget had room for when the last of them began', () => {
    const step = fc.constantFrom('request', 'request', 'end', 'retry', 'retry', 'giveBack');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(100), fc.nat(5), (steps, ratio, min) => {
        const { cell, budgets } = setUp({ ratio, min }, 0);
        let requests = 0;
        let retries = 0;
        for (const act of steps) {
          if (act === 'request') {
            cell.inFlight.enter();
            requests++;
          } else if (act === 'end' && requests > 0) {
            cell.inFlight.leave();
            requests--;
          } else if (act === 'retry') {
            const room = retries < Math.max(min, Math.floor((requests * ratio) / 100));
            assert.equal(budgets[0].tryTake(), room);
            if (room) retries++;
          } else if (act === 'giveBack' && retries > 0) {
            budgets[0].giveBack();
            retries--;
          }
          assert.equal(cell.retries.total(), retries);
        }
      }),
    );
  });
});
