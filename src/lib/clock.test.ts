import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { clockMs } from './clock.ts';

/** What two readings of the two underlying clocks may be apart; far below what anything here is timed by. */
const SLACK_MS = 1;

suite('the clock of the process', () => {
  test('never goes back', () => {
    let before = clockMs();
    for (let i = 0; i < 10_000; i++) {
      const now = clockMs();
      assert.ok(now >= before, `${now} after ${before}`);
      before = now;
    }
  });

  test('says the same in a thread that began later', async () => {
    const code = `
      import { parentPort } from 'node:worker_threads';
      import { clockMs } from ${JSON.stringify(new URL('./clock.ts', import.meta.url).href)};
      parentPort.on('message', () => parentPort.postMessage(clockMs()));
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    try {
      for (let i = 0; i < 20; i++) {
        const before = clockMs();
        worker.postMessage('now');
        const [there] = (await once(worker, 'message')) as [number];
        const after = clockMs();
        assert.ok(there >= before - SLACK_MS && there <= after + SLACK_MS, `${before} ${there} ${after}`);
      }
    } finally {
      await worker.terminate();
    }
  });
});
