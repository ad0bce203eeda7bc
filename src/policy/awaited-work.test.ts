import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AwaitedWork, awaitFor, stopWaiting } from './awaited-work.ts';
import type { Held } from './held.ts';

/** A request that keeps something. */
const request = (): { held?: Held | undefined } => ({});

it('What several wait for is given up when the last has left, and not before', () => {
  const owner = {};
  let signal: AbortSignal | undefined;
  const awaited = new AwaitedWork<string>((given) => {
    signal = given;
    return new Promise(() => {});
  });
  const [one, other] = [request(), request()];
  void awaitFor(one, owner, awaited);
  void awaitFor(other, owner, awaited);
  stopWaiting(one, owner);
  // Who has left cannot leave again.
  stopWaiting(one, owner);
  assert.deepEqual([signal?.aborted, awaited.isGivenUp], [false, false]);
  stopWaiting(other, {});
  assert.equal(awaited.isGivenUp, false);
  stopWaiting(other, owner);
  assert.deepEqual([signal?.aborted, awaited.isGivenUp], [true, true]);
});

for (const [title, work] of [
  ['has come', () => Promise.resolve('x')],
  ['has failed', () => Promise.reject(new Error('x'))],
] as const)
  it(`What ${title} is not given up any more`, async () => {
    const owner = {};
    const awaited = new AwaitedWork<string>(work);
    const one = request();
    await awaitFor(one, owner, awaited).catch(() => {});
    stopWaiting(one, owner);
    assert.equal(awaited.isGivenUp, false);
  });
