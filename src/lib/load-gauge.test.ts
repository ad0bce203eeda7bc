import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { LoadGauge } from './load-gauge.ts';

/** Sources under the test's hand. */
function fake() {
  const state = {
    now: 1000,
    count: 0,
    mean: 0,
    resident: 0.25,
    heap: 0.125,
    enabled: 0,
    disabled: 0,
    resets: 0,
  };
  const gauge = new LoadGauge({
    now: () => state.now,
    residentShare: () => state.resident,
    heapShare: () => state.heap,
    monitor: () => ({
      get count() {
        return state.count;
      },
      get mean() {
        return state.mean;
      },
      enable: () => ++state.enabled > 0,
      disable: () => ++state.disabled > 0,
      reset: () => void state.resets++,
    }),
  });
  return { gauge, state };
}

it('nothing is measured before somebody asks', () => {
  const { gauge, state } = fake();
  assert.equal(state.enabled, 0);
  gauge.close();
  assert.equal(state.disabled, 0);
});

it('the first answer knows the memory, and begins to look at the event loop', () => {
  const { gauge, state } = fake();
  assert.deepEqual(gauge.read(), { measuredAtMs: 1000, eventLoopDelayMs: 0, memoryShare: 0.25 });
  assert.equal(state.enabled, 1);
});

it('it measures four times a second at most, and halves the difference to what was', () => {
  const { gauge, state } = fake();
  gauge.read();
  Object.assign(state, { count: 5, mean: 120e6, resident: 0.5 });
  state.now = 1249;
  assert.equal(gauge.read().measuredAtMs, 1000);
  state.now = 1250;
  assert.deepEqual(gauge.read(), { measuredAtMs: 1250, eventLoopDelayMs: 50, memoryShare: 0.5 });
  state.now = 1500;
  assert.equal(gauge.read().eventLoopDelayMs, 75);
  state.mean = 20e6;
  state.now = 1750;
  assert.equal(gauge.read().eventLoopDelayMs, 37.5);
  assert.equal(state.resets, 3);
});

it('of the memory of the process and the heap of the thread, the one counts of which less is left', () => {
  const { gauge, state } = fake();
  for (const [resident, heap, share] of [
    [0.2, 0.9, 0.9],
    [0.6, 0.1, 0.6],
    [0.1, 0.2, 0.2],
  ] as const) {
    Object.assign(state, { resident, heap, now: state.now + 250 });
    assert.equal(gauge.read().memoryShare, share);
  }
});

it('a thread that has used most of its heap is seen to, where the machine has memory left', async () => {
  const worker = new Worker(new URL('./load-gauge.support.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  const [share] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  // 40 MiB, and as much again where what they were built of is not collected yet, of some 200 that V8 gives a thread with this limit.
  assert.ok(share > 0.15 && share < 1, String(share));
});

it('where the event loop has not turned since, what was known of it holds', () => {
  const { gauge, state } = fake();
  gauge.read();
  Object.assign(state, { count: 5, mean: 120e6, now: 1250 });
  gauge.read();
  Object.assign(state, { count: 0, mean: Number.NaN, now: 1500 });
  assert.equal(gauge.read().eventLoopDelayMs, 50);
});

it('closed, it looks no more', () => {
  const { gauge, state } = fake();
  gauge.read();
  gauge.close();
  gauge.close();
  assert.equal(state.disabled, 1);
});

it('a thread that is kept busy is seen to be late, and memory is a share', async () => {
  const gauge = new LoadGauge();
  let load = gauge.read();
  // A sample is taken between two pieces of work, the first one only to begin from. A busy machine only makes them later.
  for (let piece = 0; piece < 20 && load.eventLoopDelayMs < 20; piece++) {
    const end = performance.now() + 250;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 1));
    load = gauge.read();
  }
  gauge.close();
  assert.ok(load.eventLoopDelayMs >= 20, String(load.eventLoopDelayMs));
  assert.ok(load.memoryShare > 0 && load.memoryShare < 1, String(load.memoryShare));
});
