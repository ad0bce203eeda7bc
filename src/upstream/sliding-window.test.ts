import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { SlidingWindow, WindowRegion } from './sliding-window.ts';

const [REQUESTS, FAILURES, SLOW] = [0, 1, 2];

function setUp() {
  const region = new WindowRegion(new SharedArrayBuffer(WindowRegion.bytes(3)), 0, 3, 0);
  const window = new SlidingWindow(region, 1000);
  const count = (nowMs: number, what = REQUESTS): void => {
    window.advance(nowMs);
    window.count(what);
  };
  const total = (nowMs: number, what = REQUESTS): number => {
    window.advance(nowMs);
    return window.total(what);
  };
  return { region, window, count, total };
}

suite('a sliding window of ten buckets', () => {
  test('counts each kind for itself', () => {
    const { count, total } = setUp();
    count(5000);
    count(5000, FAILURES);
    count(5000, FAILURES);
    assert.deepEqual([total(5000), total(5000, FAILURES), total(5000, SLOW)], [1, 2, 0]);
  });

  test('loses a bucket when the window has moved past it', () => {
    const { count, total } = setUp();
    count(5000);
    count(5950);
    assert.equal(total(5999), 2);
    assert.equal(total(6000), 1);
    assert.equal(total(6899), 1);
    assert.equal(total(6900), 0);
  });

  test('is empty after a long silence', () => {
    const { count, total } = setUp();
    for (let nowMs = 5000; nowMs < 6000; nowMs += 10) count(nowMs);
    assert.equal(total(5999), 100);
    assert.equal(total(3_600_000), 0);
  });

  test('counts what is late by the clock of another thread in the bucket of now', () => {
    const { count, total } = setUp();
    count(6000);
    count(5999);
    assert.equal(total(6000), 2);
  });

  test('counts in the bucket before while another worker moves it', () => {
    const { region, count, total } = setUp();
    count(5000);
    region.lock.tryAcquire();
    count(7000);
    region.lock.release();
    assert.equal(total(5000), 2);
    assert.equal(total(7000), 0);
  });

  test('begins anew under a configuration with another length', () => {
    const { region, count } = setUp();
    count(5_000_000);
    const other = new SlidingWindow(region, 60_000);
    other.advance(5_000_000);
    assert.equal(other.total(REQUESTS), 0);
  });

  test('is the sum of what was counted in the last ten buckets, at any time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 200 }), (pauses) => {
        const { count, total } = setUp();
        const times: number[] = [];
        let nowMs = 10_000;
        for (const pause of pauses) {
          nowMs += pause;
          times.push(nowMs);
          count(nowMs);
          const oldest = (Math.floor(nowMs / 100) - 9) * 100;
          assert.equal(total(nowMs), times.filter((time) => time >= oldest).length);
        }
      }),
    );
  });
});
