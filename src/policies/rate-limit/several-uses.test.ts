import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { openRedis } from '../../../test/support/redis.ts';
import { Limiters } from '../../state/limiters.ts';
import { type RedisConfig, stateSchema } from '../../state/schema.ts';
import { LimitPlay } from '../../state/shared/limiter.support.ts';
import { type CompiledPolicies, compilePolicies } from '../compile.ts';

/** Of a service, shared by its clients. */
const SHARED = { limits: ['4/h'], key: 'route' };
/** Of each client. */
const OWN = { limits: ['1/h'], key: { header: 'x-client' } };

async function open(uses: readonly object[], settings?: RedisConfig): Promise<CompiledPolicies> {
  const limiters = new Limiters(new LimitPlay().limiter(), settings, () => {});
  return compilePolicies(
    uses.map((options) => ({ name: 'rate-limit', options })),
    { route: 'main', warn: () => {}, policyEvent: () => {}, limiters },
  );
}

/** A request from beginning to end: its status, and what its answer says is left. */
async function ask(policies: CompiledPolicies, client: string): Promise<unknown[]> {
  const exchange = exchangeFor({ headers: { 'X-Client': client } });
  let status = 200;
  for (const { hooks } of policies.onRequest) {
    const answer = await hooks.onRequest(exchange);
    if (answer === undefined) continue;
    status = (answer as { status: number }).status;
    break;
  }
  exchange.response.fields.pushAll(exchange.answerFields);
  for (const { hooks } of policies.onResponse) hooks.onResponse(exchange);
  for (const { hooks } of policies.onEnd) hooks.onEnd(exchange);
  const left = exchange.responseLines
    .filter((line) => line.startsWith('RateLimit:'))
    .map((line) => line.replaceAll(/^RateLimit: |;t=\d+/g, ''));
  return [status, ...left];
}

async function forEachStore(
  test: (open: (uses: readonly object[]) => Promise<CompiledPolicies>) => Promise<void>,
): Promise<void> {
  await test((uses) => open(uses));
  const redis = await openRedis();
  try {
    const parsed = stateSchema.parse({ redis: { url: redis.url, prefix: redis.prefix, timeout: '2s' } });
    const settings = parsed.redis ?? assert.fail();
    await test((uses) => open(uses, settings));
  } finally {
    await redis.close();
  }
}

describe('Of several uses on a route', () => {
  it('a client whose own limit refuses uses up nothing of the one that it shares', async () => {
    await forEachStore(async (opened) => {
      const policies = await opened([SHARED, OWN]);
      const statuses = [];
      for (const client of ['greedy', 'greedy', 'greedy', 'greedy', 'greedy', 'b', 'c', 'd', 'e'])
        statuses.push(await ask(policies, client));
      assert.deepEqual(statuses, [
        [200, '"1/h";r=0', '"4/h";r=3'],
        ...Array.from({ length: 4 }, () => [429, '"1/h";r=0', '"4/h";r=3']),
        [200, '"1/h";r=0', '"4/h";r=2'],
        [200, '"1/h";r=0', '"4/h";r=1'],
        [200, '"1/h";r=0', '"4/h";r=0'],
        [429, '"4/h";r=0'],
      ]);
      policies.close();
    });
  });

  it('every one before the one that refuses gets back what it gave, the whole cost', async () => {
    await forEachStore(async (opened) => {
      const policies = await opened([{ ...SHARED, limits: ['9/h'], cost: 3 }, SHARED, OWN]);
      const statuses = [];
      for (const client of ['a', 'a', 'a', 'b', 'b', 'c']) statuses.push((await ask(policies, client))[0]);
      assert.deepEqual(statuses, [200, 429, 429, 200, 429, 200]);
      assert.equal((await ask(policies, 'd'))[0], 429, 'nine units are used up');
      policies.close();
    });
  });

  it('what the first one refuses takes nothing of the later ones', async () => {
    await forEachStore(async (opened) => {
      const policies = await opened([OWN, SHARED]);
      const statuses = [];
      for (const client of ['a', 'a', 'a', 'b', 'c', 'd', 'e'])
        statuses.push((await ask(policies, client))[0]);
      assert.deepEqual(statuses, [200, 429, 429, 200, 200, 200, 429]);
      policies.close();
    });
  });

  it('one that only counts in shadow mode takes nothing back', async () => {
    await forEachStore(async (opened) => {
      const policies = await opened([SHARED, { ...OWN, shadow: true }]);
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await ask(policies, 'a'))[0]);
      assert.deepEqual(statuses, [200, 200, 200, 200, 429]);
      policies.close();
    });
  });

  it('a use alone keeps nothing of a request in memory', async () => {
    const policies = await open([OWN]);
    assert.deepEqual([policies.onEnd.length, policies.onResponse.length], [0, 0]);
  });
});
