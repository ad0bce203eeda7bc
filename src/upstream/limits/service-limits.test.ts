import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ServiceCell } from '../cells.ts';
import { limitsSchema } from './schema.ts';
import { ServiceLimits } from './service-limits.ts';

function workers(options: object): { cells: ServiceCell[]; limits: [ServiceLimits, ServiceLimits] } {
  const shared = ServiceCell.allocate();
  const settings = limitsSchema.parse(options);
  const cells = [0, 1].map((id) => new ServiceCell(shared, id));
  const [one, two] = cells.map((cell) => new ServiceLimits(cell, settings, () => 0));
  return { cells, limits: [one as ServiceLimits, two as ServiceLimits] };
}

suite('the limits of a service', () => {
  test('hold over all workers', () => {
    const { limits, cells } = workers({ requests: 2 });
    const [one, two] = limits;
    assert.deepEqual(
      [one.tryBegin(), two.tryBegin(), one.tryBegin(), two.tryBegin()],
      [true, true, false, false],
    );
    one.end();
    assert.deepEqual([two.tryBegin(), one.tryBegin()], [true, false]);
    assert.equal(cells[0]?.inFlight.total(), 2);
  });

  test('of waiting requests are limits of their own', () => {
    const { limits } = workers({ requests: 1, pending: 2 });
    const [one, two] = limits;
    assert.deepEqual(
      [one.tryBegin(), one.tryWait(), two.tryWait(), one.tryWait()],
      [true, true, true, false],
    );
    two.endWait();
    assert.equal(one.tryWait(), true);
  });

  test('of 0 are none, and all is counted', () => {
    const { limits, cells } = workers({});
    for (let i = 0; i < 1000; i++) assert.ok(limits[i % 2]?.tryBegin() && limits[i % 2]?.tryWait());
    assert.deepEqual([cells[0]?.inFlight.total(), cells[0]?.pending.total()], [1000, 1000]);
  });

  test('have room again for what a worker that died had under way', () => {
    const { limits, cells } = workers({ requests: 2 });
    const [one, two] = limits;
    one.tryBegin();
    one.tryBegin();
    assert.equal(two.tryBegin(), false);
    cells[1]?.forgetWorker(0);
    assert.deepEqual([two.tryBegin(), two.tryBegin(), two.tryBegin()], [true, true, false]);
  });

  for (const [requests, adaptive, expected] of [
    [5, { min: 10 }, 5],
    [0, { max: 10 }, 10],
    [50, { max: 10 }, 10],
  ] as const) {
    test(`are ${expected} at ${requests} and ${JSON.stringify(adaptive)}`, () => {
      const { limits } = workers({ requests, adaptive });
      const admitted = Array.from({ length: 60 }, () => limits[0].tryBegin()).filter(Boolean).length;
      assert.equal(admitted, expected);
    });
  }
});

suite('the options of the limits', () => {
  const refused: readonly [adaptive: object, path: string, message: string][] = [
    [{ min: 20, max: 10 }, 'adaptive.max', 'is below min'],
    [{ window: '1ms' }, 'adaptive.window', 'is below 10ms'],
    [{ measureEvery: '0s' }, 'adaptive.measureEvery', 'is below 1s'],
  ];
  for (const [adaptive, path, message] of refused) {
    test(`refuse ${JSON.stringify(adaptive)}`, () => {
      const issues = limitsSchema.safeParse({ adaptive }).error?.issues ?? [];
      assert.deepEqual(
        issues.map((issue) => [issue.path.join('.'), issue.message]),
        [[path, message]],
      );
    });
  }
});
