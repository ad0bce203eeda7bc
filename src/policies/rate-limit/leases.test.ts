import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { RedisServer } from '../../../test/support/redis.ts';
import { connectWorker } from '../../state/redis/redis.support.ts';
import { PolicyPlay } from './rate-limit.support.ts';

/** One request at a time, counted by a Redis that a test holds up; a second node tells what it knows. */
async function open(t: TestContext, timeout: number) {
  const server = await RedisServer.start();
  const redis = { url: server.url, prefix: 'p:' };
  const [worker, other] = await Promise.all([connectWorker(redis, { timeout }), connectWorker(redis)]);
  t.after(async () => {
    server.resume();
    await worker.close();
    await other.close();
    await server.close();
  });
  const options = { limits: [{ concurrency: 1 }] };
  const policyOf = (limiter: typeof worker.limiter) => new PolicyPlay().policy(options, {}, limiter);
  return { server, worker, policy: policyOf(worker.limiter), elsewhere: policyOf(other.limiter) };
}

/** Until another node may let a request through: a lease would keep it from that for half a minute. */
async function untilFree({ elsewhere }: Pick<Awaited<ReturnType<typeof open>>, 'elsewhere'>): Promise<void> {
  for (;;) {
    const exchange = exchangeFor({});
    const answer = await elsewhere.onRequest(exchange);
    elsewhere.onEnd?.(exchange);
    if (answer === undefined) return;
  }
}

const LIMIT = { timeout: 10_000 };

describe('A client that leaves while Redis is asked', () => {
  for (const [title, timeout] of [
    ['in time', 2000],
    ['late', 50],
  ] as const) {
    it(`leaves nothing under way there, where Redis answers ${title}`, LIMIT, async (t) => {
      const play = await open(t, timeout);
      const exchange = exchangeFor({});
      play.server.pause();
      const answer = play.policy.onRequest(exchange);
      assert.ok(answer instanceof Promise);
      play.policy.onEnd?.(exchange);
      if (timeout === 50) await answer;
      play.server.resume();
      assert.equal(await answer, undefined);
      await untilFree(play);
    });

    it(`nor where it answers ${title} and the limit is not used any more`, LIMIT, async (t) => {
      const play = await open(t, timeout);
      const exchange = exchangeFor({});
      play.server.pause();
      const answer = play.policy.onRequest(exchange);
      play.policy.onEnd?.(exchange);
      play.worker.limiter.close();
      const closed = play.worker.connection.close();
      if (timeout === 50) await answer;
      play.server.resume();
      await closed;
      await untilFree(play);
    });
  }
});
