import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShardLocks } from './shard-locks.ts';

test('A lock is not taken from those who have it in turn, however long all of them together do', () => {
  const words = new Int32Array(new SharedArrayBuffer(4 * ShardLocks.WORDS));
  const others = [1, 2].map((id) => new ShardLocks(words, id));
  let handovers = 0;
  let nowMs = 0;
  const inTurn = () => {
    if (handovers < 50) {
      // The same one again, and then the other one.
      others[(handovers >> 1) % 2]?.release(0);
      handovers++;
      others[(handovers >> 1) % 2]?.acquire(0);
    } else others[(handovers >> 1) % 2]?.release(0);
    return (nowMs += 60);
  };
  const waiting = new ShardLocks(words, 0, inTurn);
  others[0]?.acquire(0);
  waiting.acquire(0);
  assert.equal(handovers, 50);
  assert.equal(words[0], 1);
});
