import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LimitTable } from './limit-table.ts';
import { LimitPlay, limitOf } from './limiter.support.ts';
import { ShardLocks } from './shard-locks.ts';

const HOUR = 3_600_000;
const tenAnHour = [limitOf({ quota: 10, windowMs: HOUR })];
const underWay = [limitOf({ algorithm: 'concurrency', quota: 2, windowMs: 0 })];

/** `table` of a play, to read what it says of itself. */
const evictions = (play: LimitPlay): number => new LimitTable(play.shared, 0).evictions;

describe('A table for a million keys', () => {
  it('needs 51 octets for each, and counts a million at one time', () => {
    const keys = 1_000_000;
    const play = new LimitPlay({ keys });
    assert.ok(play.shared.byteLength <= 51 * keys, `${play.shared.byteLength}`);
    const decision = play.decision(tenAnHour);
    const [charge] = decision.charges;
    assert.ok(charge !== undefined);
    charge.cost = 10;
    let twice = 0;
    for (const pass of ['first', 'again']) {
      for (let i = 0; i < keys; i++) {
        charge.key = `key ${i}`;
        if (decision.take() === 'taken' && pass === 'again') twice++;
      }
    }
    // Both places of a key may be full by chance before the table is: of ten thousand keys a few are let go of.
    assert.ok(twice <= keys / 1000, `${twice} keys were forgotten`);
  });
});

describe('A decision about a key that is full again and a new one', () => {
  it('counts each in a place of its own', () => {
    // So few places that both keys may choose from all of them.
    for (let round = 0; round < 50; round++) {
      const play = new LimitPlay({ keys: 4 });
      const one = limitOf({ id: 'one', quota: 1 });
      const other = limitOf({ id: 'other', algorithm: 'concurrency', quota: 1, windowMs: 0 });
      assert.equal(play.take([one]).verdict, 'taken');
      play.nowMs += HOUR;
      const { verdict, decision } = play.take([one, other]);
      assert.equal(verdict, 'taken');
      assert.equal(play.take([one]).verdict, 'refused');
      assert.equal(play.take([other]).verdict, 'refused');
      decision.release();
      assert.equal(play.take([other]).verdict, 'taken');
    }
  });
});

describe('A table with too few places', () => {
  it('keeps its size, and every key is answered', () => {
    const play = new LimitPlay({ keys: 100 });
    for (let i = 0; i < 10_000; i++) assert.equal(play.take(tenAnHour, `key ${i}`).verdict, 'taken');
    assert.ok(evictions(play) > 9000);
  });

  it('lets go of what is full again before anything that counts', () => {
    const play = new LimitPlay({ keys: 100 });
    const brief = [limitOf({ id: 'brief', quota: 10, windowMs: 1000 })];
    for (let i = 0; i < 10; i++) play.admitted(3, tenAnHour, `kept ${i}`);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 40; i++) play.take(brief, `brief ${round} ${i}`);
      play.nowMs += 1000;
    }
    assert.equal(evictions(play), 0);
    for (let i = 0; i < 10; i++) assert.equal(play.admitted(10, tenAnHour, `kept ${i}`), 7);
  });

  it('lets go of what is limited last, however soon it is full again', () => {
    const play = new LimitPlay({ keys: 1000 });
    const minute = [limitOf({ id: 'minute', quota: 5, windowMs: 60_000 })];
    for (let i = 0; i < 100; i++) play.admitted(5, minute, `limited ${i}`);
    for (let i = 0; i < 20_000; i++) play.take(tenAnHour, `passing ${i}`);
    assert.ok(evictions(play) > 15_000);
    for (let i = 0; i < 100; i++) assert.equal(play.admitted(1, minute, `limited ${i}`), 0, `limited ${i}`);
  });

  it('of those that are not limited, lets go of the one that is full again first', () => {
    // Sixteen places in all: each key may stand in any.
    const play = new LimitPlay({ keys: 12 });
    play.admitted(9, tenAnHour, 'much used');
    for (let i = 0; i < 100; i++) play.admitted(2, tenAnHour, `little used ${i}`);
    assert.equal(play.admitted(10, tenAnHour, 'much used'), 1);
  });

  it('never lets go of what is under way, and refuses what it has no place for', () => {
    const play = new LimitPlay({ keys: 12 });
    const first = Array.from({ length: 16 }, (_, i) => play.take(underWay, `key ${i}`));
    assert.ok(first.every(({ verdict }) => verdict === 'taken'));
    const late = play.take(underWay, 'late');
    assert.deepEqual([late.verdict, late.decision.charges[0]?.admitted], ['refused', false]);
    assert.equal(play.take(tenAnHour, 'late').verdict, 'refused');
    first[0]?.decision.release();
    assert.equal(play.take(underWay, 'late').verdict, 'taken');
  });
});

describe('A worker that died', () => {
  it('has nothing under way any more, and what others have stays', () => {
    const play = new LimitPlay({ workers: 2 });
    play.take(underWay, 'shared', 1, 0);
    play.take(underWay, 'shared', 1, 1);
    play.take(underWay, 'own', 1, 1);
    play.take(underWay, 'own', 1, 1);
    new LimitTable(play.shared, 0).forgetWorker(1);
    assert.equal(play.admitted(5, underWay, 'shared'), 1);
    assert.equal(play.admitted(5, underWay, 'own'), 2);
  });

  it('holds no lock any more', () => {
    const play = new LimitPlay({ keys: 12, workers: 2 });
    new LimitTable(play.shared, 1).locks.acquire(0);
    new LimitTable(play.shared, 0).forgetWorker(1);
    assert.equal(play.take(tenAnHour).verdict, 'taken');
  });
});

describe('A lock', () => {
  it('is taken from a holder that does not let go of it, whose late release then frees nothing', () => {
    const words = new Int32Array(new SharedArrayBuffer(ShardLocks.WORDS * 4));
    const [stuck, waiting] = [0, 1].map((id) => new ShardLocks(words, id, 3));
    assert.ok(stuck !== undefined && waiting !== undefined);
    stuck.acquire(0);
    waiting.acquire(0);
    const owner = () => (words[0] ?? 0) & 0xff;
    assert.equal(owner(), 2);
    stuck.release(0);
    assert.equal(owner(), 2);
    waiting.release(0);
    assert.equal(words[0], 0);
  });

  it('is waited for as long as it is let go of and taken again, even by the same', (t) => {
    const words = new Int32Array(new SharedArrayBuffer(ShardLocks.WORDS * 4));
    const [busy, waiting] = [0, 1].map((id) => new ShardLocks(words, id, 3));
    assert.ok(busy !== undefined && waiting !== undefined);
    let naps = 0;
    t.mock.method(Atomics, 'wait', () => {
      naps++;
      if (naps % 2 === 0) busy.release(0);
      if (naps % 2 === 0 && naps < 20) busy.acquire(0);
      return 'timed-out';
    });
    busy.acquire(0);
    waiting.acquire(0);
    assert.deepEqual([naps, (words[0] ?? 0) & 0xff], [20, 2]);
  });
});
