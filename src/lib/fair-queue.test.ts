import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FairQueue, type FairQueueOptions } from './fair-queue.ts';
import { FakeTimers } from './fake-timers.support.ts';

const OPTIONS: FairQueueOptions = {
  atOnce: 2,
  atOncePerParty: 1,
  waiting: 3,
  waitingPerParty: 2,
  longestWaitMs: 100,
};

/** Those who come, by the name of their party and a number, as they get their turn or give up. */
class Play {
  readonly timers = new FakeTimers();
  readonly queue: FairQueue;
  readonly told: string[] = [];

  constructor(options: Partial<FairQueueOptions> = {}) {
    this.queue = new FairQueue({ ...OPTIONS, ...options }, this.timers);
  }

  /** `a1` is of the party a. */
  come(name: string, signal = new AbortController().signal): void {
    const turn = this.queue.enter(name.slice(0, 1), signal);
    if (typeof turn === 'boolean') this.#tell(name, turn);
    else void turn.then((hasTurn) => this.#tell(name, hasTurn));
  }

  /** What happened since. */
  async news(): Promise<string> {
    await new Promise(setImmediate);
    return this.told.splice(0).join(' ');
  }

  #tell(name: string, hasTurn: boolean): void {
    this.told.push(hasTurn ? name : `-${name}`);
  }
}

describe('Turns', () => {
  it('are given at once up to what all and each party may have', async () => {
    const play = new Play();
    for (const name of ['a1', 'a2', 'b1', 'c1']) play.come(name);
    assert.equal(await play.news(), 'a1 b1');
  });

  it('go round among the parties, however many of one wait', async () => {
    const play = new Play({ atOnce: 1 });
    for (const name of ['a1', 'a2', 'a3', 'b1']) play.come(name);
    assert.equal(await play.news(), 'a1');
    play.queue.leave('a');
    assert.equal(await play.news(), 'a2');
    play.queue.leave('a');
    assert.equal(await play.news(), 'b1');
    play.queue.leave('b');
    assert.equal(await play.news(), 'a3');
    play.queue.leave('a');
    play.come('c1');
    assert.equal(await play.news(), 'c1');
  });

  it('go past a party that has all that it may have', async () => {
    const play = new Play();
    for (const name of ['a1', 'b1', 'a2', 'c1']) play.come(name);
    play.queue.leave('b');
    assert.equal(await play.news(), 'a1 b1 c1');
    play.queue.leave('a');
    assert.equal(await play.news(), 'a2');
  });

  it('are refused where too many wait, of all or of one party', async () => {
    const play = new Play({ atOnce: 1 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']) play.come(name);
    assert.equal(await play.news(), 'a1 -a4 -b2');
  });

  it('are not waited for any longer than that', async () => {
    const play = new Play();
    for (const name of ['a1', 'a2']) play.come(name);
    play.timers.advance(99);
    assert.equal(await play.news(), 'a1');
    play.timers.advance(1);
    assert.equal(await play.news(), '-a2');
    play.queue.leave('a');
    assert.equal(await play.news(), '');
  });

  it('go to the next when whoever waits leaves', async () => {
    const play = new Play();
    const leaving = new AbortController();
    play.come('a1');
    play.come('a2', leaving.signal);
    play.come('a3');
    leaving.abort();
    assert.equal(await play.news(), 'a1 -a2');
    play.queue.leave('a');
    assert.equal(await play.news(), 'a3');
    assert.deepEqual(play.timers.waiting, []);
  });

  it('are not given to anybody during a pause, and then to those who waited', async () => {
    const play = new Play({ atOncePerParty: 2 });
    play.queue.pause(50);
    play.come('a1');
    play.come('b1');
    play.queue.pause(500);
    assert.equal(await play.news(), '');
    play.timers.advance(50);
    assert.equal(await play.news(), 'a1 b1');
  });

  it('are over for all who wait when it is closed', async () => {
    const play = new Play();
    play.come('a1');
    play.come('a2');
    play.queue.pause(50);
    play.queue.close();
    assert.equal(await play.news(), 'a1 -a2');
    assert.deepEqual(play.timers.waiting, []);
  });
});
