import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ServiceCell, TargetCell } from '../cells.ts';
import { NO_ANSWER, OutlierDetector, retireTarget, returnTarget } from './detector.ts';
import { outlierSchema } from './schema.ts';

interface NamedTarget {
  readonly name: string;
  readonly cell: TargetCell;
}

/** A service of so many targets, on a clock that stands still until it is moved. */
function setUp(targetCount: number, options: object = {}) {
  const detector = new OutlierDetector(outlierSchema.parse(options));
  const service = new ServiceCell(ServiceCell.allocate(), 0);
  const targets = Array.from(
    { length: targetCount },
    (_, i): NamedTarget => ({ name: `t${i}`, cell: new TargetCell(TargetCell.allocate(), 0) }),
  );
  const clock = { nowMs: 5_000_000 };
  const cellOf = (target: number): TargetCell => (targets[target] as NamedTarget).cell;
  return {
    detector,
    service,
    targets,
    clock,
    cellOf,
    /** What the target answered, in order; what was reported by each that was an outlier by it. */
    results: (target: number, ...statuses: readonly number[]) =>
      statuses.flatMap((status) => {
        const told = detector.onResult(cellOf(target), service, status, targetCount, clock.nowMs);
        return told === undefined ? [] : [`${told.verdict} ${told.rule} ${told.forMs}`];
      }),
    /** So many requests of the interval, the failures spread so that no consecutive rule applies. */
    traffic: (target: number, requests: number, failures: number) => {
      for (let i = 0; i < requests; i++) {
        const failed = Math.floor(((i + 1) * failures) / requests) > Math.floor((i * failures) / requests);
        const told = detector.onResult(cellOf(target), service, failed ? 500 : 200, targetCount, clock.nowMs);
        assert.equal(told, undefined);
      }
    },
    sweep: () =>
      detector
        .sweep(targets, service, clock.nowMs)
        .map((event) =>
          event.kind === 'return'
            ? `${event.target.name} returns`
            : `${event.target.name} ${event.ejection.verdict} ${event.ejection.rule} ${event.ejection.forMs}`,
        ),
    out: () => targets.filter(({ cell }) => cell.outlier.ejected).map(({ name }) => name),
  };
}

const times = (count: number, status: number): number[] => Array<number>(count).fill(status);

suite('a target is ejected', () => {
  const stories: readonly [
    title: string,
    options: object,
    statuses: readonly number[],
    told: readonly string[],
  ][] = [
    ['after five answers of 5xx in a row', {}, times(5, 500), ['ejected consecutive-5xx 30000']],
    ['not after four', {}, times(4, 599), []],
    ['not when another answer came between', {}, [...times(4, 500), 200, ...times(4, 500)], []],
    ['not for what the client did wrong', {}, times(50, 404), []],
    [
      'after requests in a row that got no answer, as by 5xx',
      {},
      [500, ...times(4, NO_ANSWER)],
      ['ejected consecutive-5xx 30000'],
    ],
    ['not by the rule that is off', { consecutive5xx: 0 }, times(50, 500), []],
    [
      'after gateway errors in a row, by their own rule',
      { consecutiveGatewayErrors: 3 },
      [502, 503, 504],
      ['ejected consecutive-gateway-errors 30000'],
    ],
    [
      'not by gateway errors when another 5xx came between',
      { consecutive5xx: 0, consecutiveGatewayErrors: 3 },
      [502, 503, 500, 502, 503, 501, 504],
      [],
    ],
    [
      'after gateway errors where some were no answer at all',
      { consecutiveGatewayErrors: 3 },
      [502, NO_ANSWER, 504],
      ['ejected consecutive-gateway-errors 30000'],
    ],
    [
      'after requests in a row without an answer, by their own rule',
      { consecutiveLocalErrors: 3 },
      times(3, NO_ANSWER),
      ['ejected consecutive-local-errors 30000'],
    ],
    [
      'not by local errors when an answer came between, whatever its status',
      { consecutiveLocalErrors: 3 },
      [NO_ANSWER, NO_ANSWER, 500, NO_ANSWER, NO_ANSWER],
      [],
    ],
    [
      'by 5xx in a row, past local errors that have their own rule',
      { consecutiveLocalErrors: 9 },
      [500, 500, NO_ANSWER, NO_ANSWER, 500, 500, 500],
      ['ejected consecutive-5xx 30000'],
    ],
  ];
  for (const [title, options, statuses, told] of stories) {
    test(title, () => {
      const { results, out, service } = setUp(3, options);
      assert.deepEqual(results(0, ...statuses), told);
      assert.deepEqual(out(), told.length === 0 ? [] : ['t0']);
      assert.equal(service.ejected, told.length);
    });
  }

  test('and the balancers are told', () => {
    const { results, service } = setUp(3);
    const before = service.version;
    results(0, ...times(5, 500));
    assert.notEqual(service.version, before);
  });

  test('once, whatever else is still under way at it', () => {
    const { results } = setUp(3);
    assert.equal(results(0, ...times(50, 500)).length, 1);
  });
});

suite('as many may be out as', () => {
  const table: readonly [targets: number, maxEjected: number, out: number][] = [
    [1, 10, 1],
    [3, 10, 1],
    [3, 66, 1],
    [3, 67, 2],
    [10, 10, 1],
    [19, 10, 1],
    [20, 10, 2],
    [10, 100, 10],
  ];
  for (const [targetCount, maxEjected, expected] of table) {
    test(`${expected} of ${targetCount} at ${maxEjected} per cent`, () => {
      const { results, out, service } = setUp(targetCount, { maxEjected });
      const told = Array.from({ length: targetCount }, (_, target) =>
        results(target, ...times(5, 500)),
      ).flat();
      assert.deepEqual(told, [
        ...Array(expected).fill('ejected consecutive-5xx 30000'),
        ...Array(targetCount - expected).fill('too-many consecutive-5xx 30000'),
      ]);
      assert.equal(out().length, expected);
      assert.equal(service.ejected, expected);
    });
  }

  test('no more are told of again and again', () => {
    const { results, clock } = setUp(3);
    results(0, ...times(5, 500));
    assert.deepEqual(results(1, ...times(50, 500)), ['too-many consecutive-5xx 30000']);
    clock.nowMs += 29_000;
    assert.deepEqual(results(1, ...times(50, 500)), []);
  });

  test('there is room for again when one has returned', () => {
    const { results, sweep, clock, out } = setUp(3);
    results(0, ...times(5, 500));
    results(1, ...times(5, 500));
    clock.nowMs += 30_000;
    sweep();
    results(1, ...times(5, 500));
    assert.deepEqual(out(), ['t1']);
  });
});

suite('in shadow', () => {
  test('it is told once in the time that it would have been out, and nothing is ejected', () => {
    const { results, out, service, clock } = setUp(3, { shadow: true });
    const { version } = service;
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(results(0, ...times(50, 500)), ['shadow consecutive-5xx 30000']);
      clock.nowMs += 30_000;
    }
    assert.deepEqual(out(), []);
    assert.equal(service.version, version);
  });

  test('rates are told too', () => {
    const { traffic, sweep, out } = setUp(5, { shadow: true });
    for (let target = 0; target < 4; target++) traffic(target, 100, 0);
    traffic(4, 100, 40);
    assert.deepEqual(sweep(), ['t4 shadow success-rate 30000']);
    assert.deepEqual(out(), []);
  });
});

suite('an ejected target returns', () => {
  test('at the first sweep after its time', () => {
    const { results, sweep, clock, out, cellOf, service } = setUp(3);
    results(0, ...times(5, 500));
    clock.nowMs += 29_999;
    assert.deepEqual(sweep(), []);
    assert.equal(cellOf(0).outlier.remainingMs(clock.nowMs), 1);
    clock.nowMs += 1;
    const { version } = service;
    assert.deepEqual(sweep(), ['t0 returns']);
    assert.deepEqual(out(), []);
    assert.equal(service.ejected, 0);
    assert.notEqual(service.version, version);
    assert.equal(cellOf(0).sinceMs, clock.nowMs, 'slow start');
  });

  test('with a clean record', () => {
    const { results, sweep, clock } = setUp(3);
    results(0, ...times(9, 500));
    clock.nowMs += 30_000;
    sweep();
    assert.deepEqual(results(0, ...times(4, 500)), []);
    assert.equal(results(0, 500).length, 1);
  });

  test('each time later, up to the longest', () => {
    const { results, sweep, clock } = setUp(3, { baseEjection: '30s', maxEjection: '80s' });
    for (const forMs of [30_000, 60_000, 80_000, 80_000]) {
      assert.deepEqual(results(0, ...times(5, 500)), [`ejected consecutive-5xx ${forMs}`]);
      clock.nowMs += forMs;
      assert.deepEqual(sweep(), ['t0 returns']);
    }
  });

  test('sooner again for each interval in which it was well', () => {
    const { results, sweep, clock } = setUp(3);
    for (const forMs of [30_000, 60_000, 90_000]) {
      results(0, ...times(5, 500));
      clock.nowMs += forMs;
      sweep();
    }
    sweep();
    sweep();
    assert.deepEqual(results(0, ...times(5, 500)), ['ejected consecutive-5xx 60000']);
  });

  test('when an active check finds it well', () => {
    const { results, clock, cellOf, service, out } = setUp(3);
    results(0, ...times(5, 500));
    assert.equal(returnTarget(cellOf(0), service, clock.nowMs), true);
    assert.deepEqual(out(), []);
    assert.equal(service.ejected, 0);
    const { sinceMs } = cellOf(0);
    assert.equal(returnTarget(cellOf(0), service, clock.nowMs + 1000), false);
    assert.equal(cellOf(0).sinceMs, sinceMs);
    assert.equal(service.ejected, 0);
  });
});

suite('a target that is none any more', () => {
  test('makes room for another, and is not ejected by what is still under way at it', () => {
    const { results, cellOf, service } = setUp(3);
    results(0, ...times(5, 500));
    retireTarget(cellOf(0), service);
    retireTarget(cellOf(0), service);
    assert.equal(service.ejected, 0);
    assert.deepEqual(results(0, ...times(50, 500)), []);
    assert.equal(returnTarget(cellOf(0), service, 0), false);
    assert.equal(service.ejected, 0);
    assert.equal(results(1, ...times(5, 500)).length, 1);
  });
});

suite('in each interval', () => {
  test('a target far below the mean success rate is ejected', () => {
    const { traffic, sweep } = setUp(5);
    for (let target = 0; target < 4; target++) traffic(target, 100, target);
    traffic(4, 100, 40);
    assert.deepEqual(sweep(), ['t4 ejected success-rate 30000']);
  });

  test('the counts begin anew', () => {
    const { traffic, sweep } = setUp(5);
    for (let round = 0; round < 2; round++) {
      for (let target = 0; target < 4; target++) traffic(target, 100, 0);
      traffic(4, 50, 20);
      assert.deepEqual(sweep(), []);
    }
  });

  test('a target that is out is not judged by what was still under way at it', () => {
    const { traffic, results, sweep } = setUp(6, { maxEjected: 100 });
    results(5, ...times(5, 500));
    for (let target = 0; target < 5; target++) traffic(target, 100, 0);
    traffic(5, 200, 100);
    assert.deepEqual(sweep(), []);
  });

  test('a target that fails too often is ejected where that rule is given, though all others do', () => {
    const { traffic, sweep } = setUp(5, { consecutive5xx: 0, maxEjected: 40, failurePercentage: {} });
    for (let target = 0; target < 5; target++) traffic(target, 50, target < 3 ? 42 : 43);
    assert.deepEqual(sweep(), ['t3 ejected failure-percentage 30000', 't4 ejected failure-percentage 30000']);
  });
});

suite('whatever targets answer, leave out and come back to', () => {
  test('no more are out than may be, and the count of the service is that of its targets', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          target: fc.nat(11),
          status: fc.constantFrom(200, 500, 503, NO_ANSWER),
          times: fc.nat(7),
        }),
      },
      { weight: 1, arbitrary: fc.record({ passMs: fc.nat(60_000) }) },
    );
    let ejections = 0;
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 100 }),
        (steps, targetCount, maxEjected) => {
          const { results, sweep, clock, out, service } = setUp(targetCount, {
            maxEjected,
            consecutiveGatewayErrors: 3,
            failurePercentage: { requests: 5, minTargets: 2 },
          });
          for (const act of steps) {
            if ('passMs' in act) {
              clock.nowMs += act.passMs;
              sweep();
            } else ejections += results(act.target % targetCount, ...times(act.times, act.status)).length;
            const share = (out().length * 100) / targetCount;
            assert.ok(share <= maxEjected || out().length === 1, `${out().length} of ${targetCount} are out`);
            assert.equal(service.ejected, out().length);
          }
        },
      ),
    );
    assert.ok(ejections > 100);
  });
});
