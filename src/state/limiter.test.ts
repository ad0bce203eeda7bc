import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Limit } from './limiter.ts';
import { STORAGES, StoragePlay } from './limiter-play.support.ts';
import { limitOf } from './shared/limiter.support.ts';

/** At so many milliseconds a request of that cost, and what the limit says to it. */
type Step = readonly [
  atMs: number,
  cost: number,
  verdict: 'taken' | 'refused',
  found: { readonly remaining: number; readonly resetMs: number; readonly retryAfterMs: number },
];

const found = (remaining: number, resetMs: number, retryAfterMs = 0) => ({
  remaining,
  resetMs,
  retryAfterMs,
});

interface Story {
  readonly title: string;
  readonly limit: Partial<Limit>;
  readonly steps: readonly Step[];
}

const NEVER = Number.POSITIVE_INFINITY;

const STORIES: readonly Story[] = [
  {
    title: 'a burst is let through at once, then one request for each part of the window',
    limit: { quota: 10, burst: 3 },
    steps: [
      [0, 1, 'taken', found(2, 100)],
      [0, 1, 'taken', found(1, 200)],
      [0, 1, 'taken', found(0, 300)],
      [0, 1, 'refused', found(0, 300, 100)],
      [99, 1, 'refused', found(0, 201, 1)],
      [100, 1, 'taken', found(0, 300)],
      [400, 1, 'taken', found(2, 100)],
    ],
  },
  {
    title: 'refused requests do not put off the next one',
    limit: { quota: 1, burst: 1 },
    steps: [
      [0, 1, 'taken', found(0, 1000)],
      [500, 1, 'refused', found(0, 500, 500)],
      [900, 1, 'refused', found(0, 100, 100)],
      [999, 1, 'refused', found(0, 1, 1)],
      [1000, 1, 'taken', found(0, 1000)],
    ],
  },
  {
    title: 'what is not used is not saved up beyond the burst',
    limit: { quota: 2, burst: 2 },
    steps: [
      [0, 1, 'taken', found(1, 500)],
      [3_600_000, 1, 'taken', found(1, 500)],
      [3_600_000, 1, 'taken', found(0, 1000)],
      [3_600_000, 1, 'refused', found(0, 1000, 500)],
    ],
  },
  {
    title: 'a request may cost several units, and one that costs too many is let through never',
    limit: { quota: 10 },
    steps: [
      [0, 7, 'taken', found(3, 700)],
      [0, 4, 'refused', found(3, 700, 100)],
      [0, 3, 'taken', found(0, 1000)],
      [5000, 11, 'refused', found(10, 0, NEVER)],
      [5000, 0, 'taken', found(10, 0)],
    ],
  },
  {
    title: 'a third of a second is no more than that, however often it is counted',
    limit: { quota: 3 },
    steps: [
      [0, 1, 'taken', found(2, 1000 / 3)],
      [0, 1, 'taken', found(1, 2000 / 3)],
      [0, 1, 'taken', found(0, 1000)],
      [333, 1, 'refused', found(0, 667, 1 / 3)],
      [334, 1, 'taken', found(0, 2998 / 3)],
      [1000, 2, 'taken', found(0, 1000)],
    ],
  },
  {
    title:
      'a sliding window lets through what the quota is, and as much again as the window before leaves it',
    limit: { quota: 10, algorithm: 'sliding-window' },
    steps: [
      [0, 10, 'taken', found(0, 2000)],
      [0, 1, 'refused', found(0, 2000, 1100)],
      [999, 1, 'refused', found(0, 1001, 101)],
      [1099, 1, 'refused', found(0, 901, 1)],
      [1100, 1, 'taken', found(0, 1900)],
      [1500, 5, 'refused', found(4, 1500, 100)],
      [1600, 5, 'taken', found(0, 1400)],
      [4000, 10, 'taken', found(0, 2000)],
    ],
  },
  {
    title: 'a sliding window lets through never what costs more than its quota',
    limit: { quota: 10, algorithm: 'sliding-window' },
    steps: [[0, 11, 'refused', found(10, 0, NEVER)]],
  },
];

for (const [name, open] of STORAGES) {
  describe(`Limits counted in ${name}`, () => {
    let storage: Awaited<ReturnType<typeof open>>;
    before(async () => {
      storage = await open();
    });
    after(() => storage.close());

    describe('By itself', () => {
      for (const { title, limit, steps } of STORIES) {
        it(title, async () => {
          const play = new StoragePlay(storage);
          const limits = [limitOf(limit)];
          const start = play.nowMs;
          for (const [atMs, cost, verdict, expected] of steps) {
            play.nowMs = start + atMs;
            const taken = await play.take(limits, 'client', cost);
            const { remaining, resetMs, retryAfterMs } = taken.decision.charges[0] ?? assert.fail();
            const rounded = (ms: number) => Math.round(ms * 1e6) / 1e6;
            assert.deepEqual(
              [taken.verdict, remaining, rounded(resetMs), rounded(retryAfterMs)],
              [verdict, expected.remaining, rounded(expected.resetMs), rounded(expected.retryAfterMs)],
              `at ${atMs} ms`,
            );
          }
        });
      }

      it('a limit on concurrency admits while others end, and a release counts once', async () => {
        const play = new StoragePlay(storage);
        const limits = [limitOf({ algorithm: 'concurrency', quota: 2, windowMs: 0 })];
        const [first, second] = [await play.take(limits), await play.take(limits)];
        assert.deepEqual(
          [first.verdict, second.verdict, (await play.take(limits)).verdict],
          ['taken', 'taken', 'refused'],
        );
        first.decision.release();
        first.decision.release();
        assert.equal(await play.admitted(5, limits), 1);
      });
    });

    describe('Several limits at once', () => {
      const second = limitOf({ id: 's', quota: 2 });
      const hour = limitOf({ id: 'h', quota: 3, windowMs: 3_600_000 });
      const underWay = limitOf({ id: 'c', algorithm: 'concurrency', quota: 100, windowMs: 0 });

      it('take all or none: what one of them refuses costs the others nothing', async () => {
        const play = new StoragePlay(storage);
        assert.equal(await play.admitted(10, [second, hour, underWay]), 2);
        assert.equal((await play.take([hour])).verdict, 'taken', 'of the hour two are taken');
        assert.equal((await play.take([hour])).verdict, 'refused');
        assert.equal(await play.admitted(200, [underWay]), 98);
      });

      it('tell for each whether it had room', async () => {
        const play = new StoragePlay(storage);
        await play.admitted(2, [second, hour]);
        const { decision } = await play.take([second, hour]);
        assert.deepEqual(
          decision.charges.map(({ admitted, remaining }) => [admitted, remaining]),
          [
            [false, 0],
            [true, 1],
          ],
        );
      });

      it('leave out a charge without a key', async () => {
        const play = new StoragePlay(storage);
        for (let i = 0; i < 5; i++) assert.equal((await play.take([second], '')).verdict, 'taken');
      });

      it('count apart, also under one key, and each key for itself', async () => {
        const play = new StoragePlay(storage);
        assert.equal(await play.admitted(9, [second], 'a'), 2);
        assert.equal(await play.admitted(9, [second], 'b'), 2);
        assert.equal(await play.admitted(9, [limitOf({ id: 'other', quota: 4 })], 'a'), 4);
      });
    });

    describe('A correction', () => {
      for (const algorithm of ['gcra', 'sliding-window'] as const) {
        const limits = [limitOf({ quota: 10, algorithm })];

        it(`of ${algorithm} takes more than there is, which is waited for`, async () => {
          const play = new StoragePlay(storage);
          const { decision } = await play.take(limits);
          decision.correct(14);
          assert.equal(decision.charges[0]?.remaining, 0);
          assert.equal((await play.take(limits)).verdict, 'refused');
          play.nowMs += 599;
          assert.equal((await play.take(limits)).verdict, 'refused');
          play.nowMs += 2000;
          assert.equal((await play.take(limits)).verdict, 'taken');
        });

        it(`of ${algorithm} may be as large and as often as it likes: requests are refused, and still counted`, async () => {
          const play = new StoragePlay(storage);
          // The slowest limit of the longest time that there is.
          const slowest = [limitOf({ id: 'slowest', quota: 1, windowMs: 31 * 86_400_000, algorithm })];
          const { decision } = await play.take(slowest);
          for (let i = 0; i < 5; i++) decision.correct(Number.MAX_SAFE_INTEGER);
          const { verdict, decision: next } = await play.take(slowest);
          assert.equal(verdict, 'refused');
          const [charge] = next.charges;
          assert.deepEqual([charge?.remaining, charge?.admitted], [0, false]);
          assert.ok((charge?.retryAfterMs ?? 0) > 31 * 86_400_000);
          assert.ok(Number.isFinite(charge?.retryAfterMs));
        });

        it(`of ${algorithm} gives back, and never more than was taken`, async () => {
          const play = new StoragePlay(storage);
          const { decision } = await play.take(limits, 'client', 5);
          decision.correct(-3);
          assert.equal(decision.charges[0]?.remaining, 8);
          decision.correct(-30);
          assert.equal(await play.admitted(20, limits), 10);
        });
      }
    });
  });
}
