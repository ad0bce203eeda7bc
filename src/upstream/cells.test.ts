import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ServiceCell, TargetCell } from './cells.ts';
import { MAX_WORKERS, type WorkerCount } from './worker-count.ts';

/** The octets that differ from fresh memory after `change`, as [first, last]. */
function written(shared: SharedArrayBuffer): number[] {
  return Array.from(new Uint8Array(shared).entries()).flatMap(([at, octet]) => (octet === 0 ? [] : [at]));
}

/** Fills the whole memory of each part in turn. No octet may be in two of them. */
function assertApart(shared: SharedArrayBuffer, parts: Readonly<Record<string, () => void>>): void {
  const owner = new Map<number, string>();
  for (const [name, fill] of Object.entries(parts)) {
    new Uint8Array(shared).fill(0);
    fill();
    const octets = written(shared);
    assert.ok(octets.length > 0, `${name} wrote nothing`);
    for (const at of octets) {
      assert.equal(owner.get(at), undefined, `${name} and ${owner.get(at)} share octet ${at}`);
      owner.set(at, name);
    }
  }
}

function fillCount(shared: SharedArrayBuffer, of: (workerId: number) => WorkerCount): void {
  for (let id = 0; id < MAX_WORKERS; id++) of(id).enter();
  assert.equal(written(shared).length, 1 + MAX_WORKERS);
}

suite('the cell of a target', () => {
  test('is the same for all who look at it', () => {
    const one = new TargetCell(TargetCell.allocate(), 0);
    const two = new TargetCell(one.shared, 1);
    assert.deepEqual([two.health, two.draining, two.sinceMs, two.inFlight.total()], ['unknown', false, 0, 0]);
    one.health = 'down';
    one.draining = true;
    one.sinceMs = 1234.5;
    one.inFlight.enter();
    assert.deepEqual(
      [two.health, two.draining, two.sinceMs, two.inFlight.total()],
      ['down', true, 1234.5, 1],
    );
    one.health = 'up';
    one.draining = false;
    assert.deepEqual([two.health, two.draining], ['up', false]);
  });

  test('keeps its parts apart', () => {
    const cell = new TargetCell(TargetCell.allocate(), 0);
    assertApart(cell.shared, {
      health: () => (cell.health = 'down'),
      draining: () => (cell.draining = true),
      since: () => (cell.sinceMs = -Number.MAX_VALUE),
      breaker: () => {
        cell.breaker.sinceMs = cell.breaker.untilMs = -Number.MAX_VALUE;
        cell.breaker.words.subarray(4).fill(-1);
        cell.breaker.window.words.fill(-1);
      },
      outlier: () => cell.outlier.words.fill(-1),
      inFlight: () => fillCount(cell.shared, (id) => new TargetCell(cell.shared, id).inFlight),
    });
  });

  test('forgets what a worker that died had under way', () => {
    const mine = new TargetCell(TargetCell.allocate(), 5);
    const others = new TargetCell(mine.shared, 6);
    mine.inFlight.enter();
    others.inFlight.enter();
    mine.breaker.probes.tryTake(0, 3, 0);
    others.breaker.probes.tryTake(0, 3, 0);
    mine.breaker.lock.tryAcquire();
    new TargetCell(mine.shared, 0).forgetWorker(5);
    assert.equal(others.inFlight.total(), 1);
    assert.equal(others.breaker.probes.out, 1);
    assert.equal(others.breaker.lock.tryAcquire(), true);
    new TargetCell(mine.shared, 0).forgetWorker(5);
    assert.equal(mine.breaker.lock.tryAcquire(), false, 'held by another, who lives');
  });
});

suite('the cell of a service', () => {
  test('has another version after each bump', () => {
    const cell = new ServiceCell(ServiceCell.allocate(), 0);
    const before = cell.version;
    new ServiceCell(cell.shared, 1).bumpVersion();
    assert.notEqual(cell.version, before);
  });

  test('keeps its parts apart', () => {
    const cell = new ServiceCell(ServiceCell.allocate(), 0);
    const { breaker, adaptive } = cell;
    assertApart(cell.shared, {
      version: () => cell.bumpVersion(),
      ejected: () => cell.tryCountEjection(1),
      breaker: () => {
        breaker.sinceMs = breaker.untilMs = -Number.MAX_VALUE;
        breaker.words.subarray(4).fill(-1);
        breaker.window.words.fill(-1);
      },
      adaptive: () => {
        adaptive.windowEndsMs = adaptive.measureAtMs = adaptive.measuringSinceMs = -Number.MAX_VALUE;
        adaptive.words.subarray(6).fill(-1);
      },
      inFlight: () => fillCount(cell.shared, (id) => new ServiceCell(cell.shared, id).inFlight),
      pending: () => fillCount(cell.shared, (id) => new ServiceCell(cell.shared, id).pending),
      retries: () => fillCount(cell.shared, (id) => new ServiceCell(cell.shared, id).retries),
      retryWindow: () => cell.retryWindow.words.fill(-1),
    });
  });

  test('forgets what a worker that died had under way', () => {
    const mine = new ServiceCell(ServiceCell.allocate(), 5);
    const others = new ServiceCell(mine.shared, 6);
    for (const cell of [mine, others]) {
      cell.inFlight.enter();
      cell.pending.enter();
      cell.retries.enter();
      cell.breaker.probes.tryTake(0, 3, 0);
    }
    const locks = (cell: ServiceCell) =>
      [cell.breaker.lock, cell.breaker.window.lock, cell.retryWindow.lock, cell.adaptive.lock].map((lock) =>
        lock.tryAcquire(),
      );
    assert.deepEqual(locks(mine), [true, true, true, true]);
    assert.deepEqual(locks(others), [false, false, false, false]);
    new ServiceCell(mine.shared, 0).forgetWorker(5);
    const { inFlight, pending, retries, breaker } = others;
    assert.deepEqual([inFlight.total(), pending.total(), retries.total(), breaker.probes.out], [1, 1, 1, 1]);
    assert.deepEqual(locks(others), [true, true, true, true]);
  });
});
