import { openRedis } from '../../test/support/redis.ts';
import type { Decision, Limit, Limiter, Verdict } from './limiter.ts';
import { connectWorker, movedClock } from './redis/redis.support.ts';
import { LimitTable } from './shared/limit-table.ts';
import { SharedLimiter } from './shared/shared-limiter.ts';

const START_MS = 1_000_000;

/** One of the places where limits are counted, empty, with the limiters of two workers and a clock that a test moves. */
export interface Storage {
  readonly limiters: readonly [Limiter, Limiter];
  setClock(ms: number): void | Promise<void>;
  /** Another place, as empty as a new one. */
  empty(): void;
  close(): Promise<void>;
}

/** Every one that there is, by name: whatever a test says of one it says of all. */
export const STORAGES: ReadonlyMap<string, () => Promise<Storage>> = new Map([
  ['memory', openMemory],
  ['Redis', openInRedis],
]);

async function openMemory(): Promise<Storage> {
  const play = { nowMs: 0 };
  const limitersOf = (shared: SharedArrayBuffer): [Limiter, Limiter] => [
    new SharedLimiter(shared, 0, () => play.nowMs),
    new SharedLimiter(shared, 1, () => play.nowMs),
  ];
  const allocate = () => LimitTable.allocate({ keys: 1000, workers: 2 });
  let limiters = limitersOf(allocate());
  return {
    get limiters() {
      return limiters;
    },
    setClock(ms) {
      play.nowMs = ms;
    },
    empty() {
      limiters = limitersOf(allocate());
    },
    async close() {},
  };
}

async function openInRedis(): Promise<Storage> {
  const redis = await openRedis();
  const { key, script } = movedClock(redis.prefix);
  const workers = await Promise.all([connectWorker(redis, { script }), connectWorker(redis, { script })]);
  let plays = 0;
  const apart = (limiter: Limiter): Limiter => ({
    isInstant: limiter.isInstant,
    decision: (limits) => limiter.decision(limits.map((limit) => ({ ...limit, id: `${plays}/${limit.id}` }))),
  });
  return {
    limiters: [apart(workers[0].limiter), apart(workers[1].limiter)],
    async setClock(ms) {
      await redis.send('SET', key, String(ms));
    },
    empty() {
      plays++;
    },
    async close() {
      for (const worker of workers) await worker.close();
      await redis.close();
    },
  };
}

/** What a test does with a storage. */
export class StoragePlay {
  nowMs = START_MS;
  readonly #storage: Storage;
  #clockMs = Number.NaN;

  constructor(storage: Storage) {
    this.#storage = storage;
    storage.empty();
  }

  /** Takes `cost` of every limit for one key; the decision tells the rest. */
  async take(
    limits: readonly Limit[],
    key = 'client',
    cost = 1,
    worker: 0 | 1 = 0,
  ): Promise<{ verdict: Verdict; decision: Decision }> {
    await this.#moveClock();
    const decision = this.#storage.limiters[worker].decision(limits);
    for (const charge of decision.charges) {
      charge.key = key;
      charge.cost = cost;
    }
    return { verdict: await decision.take(), decision };
  }

  /** How many of `count` requests in a row are admitted. */
  async admitted(count: number, limits: readonly Limit[], key?: string): Promise<number> {
    let admitted = 0;
    for (let i = 0; i < count; i++) if ((await this.take(limits, key, 1)).verdict === 'taken') admitted++;
    return admitted;
  }

  async #moveClock(): Promise<void> {
    if (this.#clockMs === this.nowMs) return;
    this.#clockMs = this.nowMs;
    await this.#storage.setClock(this.nowMs);
  }
}
