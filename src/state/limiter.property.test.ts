import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { STORAGES, type Storage, StoragePlay } from './limiter-play.support.ts';
import { limitOf } from './shared/limiter.support.ts';

interface Model {
  take(nowMs: number, cost: number): boolean;
}

/** A bucket that leaks evenly, in fractions of a unit that are whole numbers: `windowMs` of them each. */
class LeakyBucket implements Model {
  #level = 0n;
  #sinceMs = 0;
  readonly #quota: bigint;
  readonly #windowMs: bigint;
  readonly #burst: bigint;

  constructor(quota: number, windowMs: number, burst: number) {
    this.#quota = BigInt(quota);
    this.#windowMs = BigInt(windowMs);
    this.#burst = BigInt(burst);
  }

  take(nowMs: number, cost: number): boolean {
    const leaked = BigInt(nowMs - this.#sinceMs) * this.#quota;
    this.#level = this.#level > leaked ? this.#level - leaked : 0n;
    this.#sinceMs = nowMs;
    const filled = this.#level + BigInt(cost) * this.#windowMs;
    if (filled > this.#burst * this.#windowMs) return false;
    this.#level = filled;
    return true;
  }
}

/** Every unit ever taken with its time, counted anew for each request; those of the window before by the share of it that is still covered. */
class WeighedWindows implements Model {
  readonly #taken: { readonly window: number; readonly cost: number }[] = [];
  readonly #quota: number;
  readonly #windowMs: number;

  constructor(quota: number, windowMs: number) {
    this.#quota = quota;
    this.#windowMs = windowMs;
  }

  take(nowMs: number, cost: number): boolean {
    const window = Math.floor(nowMs / this.#windowMs);
    const units = (of: number) =>
      this.#taken.reduce((sum, taken) => sum + (taken.window === of ? taken.cost : 0), 0);
    const gone = BigInt(nowMs - window * this.#windowMs);
    const length = BigInt(this.#windowMs);
    const used = BigInt(units(window - 1)) * (length - gone) + BigInt(units(window)) * length;
    if (used + BigInt(cost) * length > BigInt(this.#quota) * length) return false;
    this.#taken.push({ window, cost });
    return true;
  }
}

const settings = fc.record({
  quota: fc.integer({ min: 1, max: 50 }),
  windowMs: fc.constantFrom(1000, 60_000, 7919),
  burst: fc.integer({ min: 1, max: 60 }),
});
const requests = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(3000), fc.nat(200_000)),
    cost: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(8) }),
    worker: fc.nat(1),
  }),
  { minLength: 1, maxLength: 200 },
);

type Described = Parameters<typeof limitOf>[0];

async function agrees(
  storage: Storage,
  described: Described,
  model: Model,
  list: readonly { afterMs: number; cost: number; worker: number }[],
): Promise<void> {
  const play = new StoragePlay(storage);
  const limits = [limitOf(described)];
  for (const [i, { afterMs, cost, worker }] of list.entries()) {
    play.nowMs += afterMs;
    const { verdict } = await play.take(limits, 'client', cost, worker === 0 ? 0 : 1);
    assert.equal(verdict, model.take(play.nowMs, cost) ? 'taken' : 'refused', `request ${i}`);
  }
}

for (const [name, open] of STORAGES) {
  // A question to Redis takes a hundred times as long as one to memory.
  const runs = { numRuns: name === 'memory' ? 100 : 20 };

  describe(`Whatever comes when, by whichever worker, limits counted in ${name}`, () => {
    let storage: Storage;
    before(async () => {
      storage = await open();
    });
    after(() => storage.close());

    it('admit by GCRA what a leaky bucket does', async () => {
      const property = fc.asyncProperty(settings, requests, (limit, list) => {
        const model = new LeakyBucket(limit.quota, limit.windowMs, limit.burst);
        return agrees(storage, { ...limit, algorithm: 'gcra' }, model, list);
      });
      await fc.assert(property, runs);
    });

    it('admit by a sliding window what a count of every unit does', async () => {
      const property = fc.asyncProperty(settings, requests, ({ quota, windowMs }, list) => {
        const model = new WeighedWindows(quota, windowMs);
        return agrees(storage, { quota, windowMs, algorithm: 'sliding-window' }, model, list);
      });
      await fc.assert(property, runs);
    });

    it('admit whoever waits as long as is said, and not a millisecond before', async () => {
      const algorithms = fc.constantFrom('gcra' as const, 'sliding-window' as const);
      const property = fc.asyncProperty(settings, algorithms, requests, async (limit, algorithm, list) => {
        const play = new StoragePlay(storage);
        const limits = [limitOf({ ...limit, algorithm, burst: limit.quota })];
        for (const { afterMs, cost } of list) {
          play.nowMs += afterMs;
          const { verdict, decision } = await play.take(limits, 'client', cost);
          const { retryAfterMs = 0 } = decision.charges[0] ?? {};
          if (verdict === 'taken' || retryAfterMs === Number.POSITIVE_INFINITY) continue;
          play.nowMs += Math.ceil(retryAfterMs) - 1;
          if (retryAfterMs > 1) assert.equal((await play.take(limits, 'client', cost)).verdict, 'refused');
          play.nowMs += 1;
          assert.equal((await play.take(limits, 'client', cost)).verdict, 'taken');
        }
      });
      await fc.assert(property, runs);
    });
  });
}
