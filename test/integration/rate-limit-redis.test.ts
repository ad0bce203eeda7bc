import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startGateway } from '../../src/testing.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { OfferedLoad } from '../support/offered-load.ts';
import { openRedis, RedisServer } from '../support/redis.ts';

/** How long the offered load lasts; the longer, the less a single request matters. */
const LOAD_SECONDS = Number(process.env['PORTCULLIS_LOAD_SECONDS'] ?? 4);
const LIMIT = { timeout: 120_000 + LOAD_SECONDS * 1000 };
/** How much later than the timeout an answer may be on a machine that has much else to do. */
const MARGIN_MS = 750;

interface Redis {
  readonly url: string;
  readonly prefix: string;
}

function config({ url, prefix }: Redis, policy: string, redis = ''): string {
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 2 }
observability: { accessLog: { enabled: false } }
state:
  redis: { url: '${url}', prefix: '${prefix}'${redis} }
routes:
  main:
    match: { paths: [/] }
    policies: [{ rate-limit: { key: { header: x-key }, ${policy} } }]
    respond: {}
`;
}

describe('Two nodes of two workers each', () => {
  for (const [title, limit, more, slack] of [
    ['by Redis admit within 1 % of the limit', { rate: 4, burst: 60 }, '', 0],
    [
      'by a hybrid store admit within the bound',
      { rate: 4, burst: 10 },
      ', store: hybrid, sync: 100ms',
      // 2 (W - 1) (burst + rate S), where S is twice the interval on a machine that has much else to do.
      2 * 3 * (10 + 4 * 0.2),
    ],
  ] as const) {
    it(`${title}, whatever is offered`, LIMIT, async (t) => {
      const redis = await openRedis();
      const policy = `limits: [{ rate: ${limit.rate}/s, burst: ${limit.burst} }]${more}`;
      const files = { 'portcullis.yaml': config(redis, policy, ', timeout: 2s') };
      using workspace = new Workspace(files);
      try {
        await using one = new RunningCli(['serve'], workspace.directory);
        await using two = new RunningCli(['serve'], workspace.directory);
        const urls = [(await one.ready()).url, (await two.ready()).url];
        const load = new OfferedLoad({ urls, keys: 16, clients: 4 });
        await load.start();
        await load.offer(limit, LOAD_SECONDS);
        await load.stop();
        const most = load.mostOf(limit);
        const told = `${load.admitted.join()} admitted of ${load.offered}, where ${most.toFixed(1)} each is the limit`;
        t.diagnostic(told);
        assert.deepEqual(new Set(load.statuses.keys()), new Set([200, 429]));
        for (const [key, count] of load.admitted.entries()) {
          assert.ok(count >= Math.floor(0.99 * load.leastOf(limit, key)), `key ${key}: ${told}`);
          assert.ok(count <= most + slack, told);
        }
      } finally {
        await redis.close();
      }
    });
  }
});

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** How many requests nobody decided about. */
async function unavailableOf(admin: string): Promise<number> {
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  const events =
    /portcullis_policy_events_total\{route="main",policy="rate-limit",event="unavailable"\} (\d+)/;
  return Number(events.exec(metrics)?.[1] ?? 0);
}

describe('When Redis dies under load', () => {
  for (const [onFailure, meanwhile] of [
    ['open', 200],
    ['closed', 503],
  ] as const) {
    it(
      `and requests are to fail ${onFailure}, none waits, and the limits hold again afterwards`,
      LIMIT,
      async (t) => {
        const server = await RedisServer.start();
        const text = config(
          { url: server.url, prefix: 'p:' },
          'limits: [5/h]',
          `, timeout: 50ms, onFailure: ${onFailure}`,
        );
        using workspace = new Workspace({ 'portcullis.yaml': text });
        try {
          await using cli = new RunningCli(['serve'], workspace.directory);
          const { url, admin } = await cli.ready();
          const load = new OfferedLoad({ urls: [`${url}/`], keys: 4, clients: 4 });
          await load.start();
          await load.until(() => (load.statuses.get(429) ?? 0) > 100);
          assert.deepEqual(load.admitted, [5, 5, 5, 5]);
          for (const outage of ['killed', 'paused'] as const) {
            if (outage === 'killed') await server.kill();
            else server.pause();
            await load.answered(meanwhile);
            const before = load.offered;
            await load.until(() => load.offered > before + 200);
            const beforeReturn = [...load.admitted];
            if (outage === 'killed') await server.restart();
            else server.resume();
            // Every worker has connected again when nothing but refusals comes.
            let refused = 0;
            let seen = load.statuses.get(meanwhile) ?? 0;
            await load.until(() => {
              const others = load.statuses.get(meanwhile) ?? 0;
              refused = others === seen ? refused + 1 : 0;
              seen = others;
              return refused > 300;
            });
            // The one that was killed has forgotten the counts, so that each key has its limit once more; what fails open may have come since.
            const since = load.admitted.map((count, key) => count - (beforeReturn[key] ?? 0));
            const again = outage === 'killed' ? 5 : 0;
            for (const count of since) {
              if (onFailure === 'closed') assert.ok(count <= again, `${since.join()} admitted`);
              else assert.ok(count >= again, `${since.join()} admitted`);
            }
            // They hold: of 400 more requests none comes through, but for those that Redis did not answer to in time, as on a machine with much else to do.
            const unanswered = await unavailableOf(admin);
            const held = sumOf(load.admitted);
            const asked = load.offered;
            await load.until(() => load.offered > asked + 400);
            const more = sumOf(load.admitted) - held;
            assert.ok(more <= (await unavailableOf(admin)) - unanswered, `${more} admitted`);
          }
          await load.stop();
          t.diagnostic(`of ${load.offered} requests the longest took ${load.longestMs.toFixed(0)} ms`);
          assert.ok(load.longestMs < 50 + MARGIN_MS, `one took ${load.longestMs} ms`);
          const expected = onFailure === 'open' ? [200, 429] : [200, 429, 503];
          assert.deepEqual(new Set(load.statuses.keys()), new Set(expected));
          assert.ok((await unavailableOf(admin)) > 0);
          const told = cli.log.filter(({ level }) => level === 'warn' || level === 'error');
          const ofRedis = told.filter(({ message }) => message.startsWith('Redis at 127.0.0.1:'));
          assert.deepEqual(told, ofRedis);
          assert.ok(ofRedis.length >= 2 && ofRedis.length <= 4, JSON.stringify(told));
        } finally {
          server.resume();
          await server.close();
        }
      },
    );
  }
});

describe('A gateway that counts in Redis', () => {
  const routes = (policy: object) => ({
    main: { match: { paths: ['/'] }, policies: [{ 'rate-limit': policy }], respond: {} },
  });
  const limits = ['1/h'];

  it('connects only while a policy counts there', async () => {
    const server = await RedisServer.start();
    try {
      const state = { redis: { url: server.url } };
      await using gateway = await startGateway({ state, routes: routes({ limits, store: 'memory' }) });
      assert.equal(await connectionsOf(server), 0);
      await gateway.reload({ state, routes: routes({ limits }) });
      assert.equal((await fetch(gateway.url)).status, 200);
      assert.equal((await fetch(gateway.url)).status, 429);
      assert.equal(await connectionsOf(server), 1);
      await gateway.reload({ routes: routes({ limits }) });
      assert.equal((await fetch(gateway.url)).status, 200);
      while ((await connectionsOf(server)) > 0);
    } finally {
      await server.close();
    }
  });

  it('starts without it, and says with 503 what it cannot tell where that is asked for', async () => {
    const server = await RedisServer.start();
    await server.kill();
    const state = { redis: { url: server.url, connectTimeout: '100ms' } };
    try {
      await using gateway = await startGateway({ state, routes: routes({ limits, onFailure: 'closed' }) });
      const answer = await fetch(gateway.url);
      const { code } = (await answer.json()) as { code: string };
      assert.deepEqual(
        [answer.status, code, answer.headers.get('ratelimit')],
        [503, 'limits_unavailable', null],
      );
      await gateway.reload({ state, routes: routes({ limits, onFailure: 'closed', shadow: true }) });
      assert.equal((await fetch(gateway.url)).status, 200);
      await gateway.reload({ state, routes: routes({ limits }) });
      assert.equal((await fetch(gateway.url)).status, 200);
      assert.equal((await fetch(gateway.url)).status, 200);
      await server.restart();
      let status = 200;
      while (status === 200) ({ status } = await fetch(gateway.url));
      assert.equal(status, 429);
    } finally {
      await server.close();
    }
  });

  it('counts for all routes together where a global policy does, also by what each hybrid worker knows', async () => {
    const redis = await openRedis();
    try {
      const policy = { 'rate-limit': { limits: ['2/h'], store: 'hybrid' as const } };
      const state = { redis: { url: redis.url, prefix: redis.prefix } };
      const route = (path: string) => ({ match: { paths: [path] }, respond: {} });
      await using gateway = await startGateway({
        state,
        policies: [policy],
        routes: { a: route('/a'), b: route('/b') },
      });
      const statuses = [];
      for (const path of ['/a', '/b', '/a', '/b']) statuses.push((await fetch(gateway.url + path)).status);
      assert.deepEqual(statuses, [200, 200, 429, 429]);
    } finally {
      await redis.close();
    }
  });
});

/** Connections besides that of the question. */
async function connectionsOf(server: RedisServer): Promise<number> {
  const list = String(await server.send('CLIENT', 'LIST'));
  return list.trim().split('\n').length - 1;
}
