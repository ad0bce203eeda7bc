import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Script } from '../support/scripted-upstream.ts';
import { type Manner, mannered, playServices, requestsAt } from '../support/service-play.ts';

const FAILING: Manner = { status: 500, takesMs: 0 };
const WELL: Manner = { status: 200, takesMs: 0 };

const resetting: Script = async (connection) => {
  await connection.head();
  connection.reset();
};

suite('a target that fails while the others do not', () => {
  const faults: [what: string, script: Script, passive: object, requests: number][] = [
    ['answers 500 five times in a row', mannered('a', FAILING), {}, 5],
    ['answers 500 as often as it may', mannered('a', FAILING), { consecutive5xx: 2 }, 2],
    ['breaks connections off', resetting, { consecutive5xx: 3 }, 3],
    [
      'answers 503, where these count for themselves',
      mannered('a', { status: 503, takesMs: 0 }),
      { consecutive5xx: 0, consecutiveGatewayErrors: 2 },
      2,
    ],
  ];
  for (const [what, script, passive, requests] of faults) {
    test(`is taken out when it ${what}`, async () => {
      const main = { scripts: [script, mannered('b', WELL)], health: { passive } };
      await playServices({ services: { main } }, async ({ ask, upstreams, gateway }) => {
        let failed = 0;
        for (let i = 0; i < 20; i++) if ((await ask()).status >= 500) failed++;
        assert.deepEqual([failed, requestsAt(upstreams()[0])], [requests, requests]);
        assert.deepEqual(
          gateway.log.filter((line) => line.includes('outlier')),
          [`warn: target 127.0.0.1:${upstreams()[0]?.port} of main is an outlier and taken out`],
        );
      });
    });
  }

  test('stays in by shadow, which only tells', async () => {
    const main = {
      scripts: [mannered('a', FAILING), mannered('b', WELL)],
      health: { passive: { consecutive5xx: 2, shadow: true } },
    };
    await playServices({ services: { main } }, async ({ ask, gateway }) => {
      let failed = 0;
      for (let i = 0; i < 20; i++) if ((await ask()).status >= 500) failed++;
      assert.equal(failed, 10);
      assert.equal(gateway.log.filter((line) => line.includes('outlier detection only tells')).length, 1);
    });
  });

  test('returns after its time', async () => {
    const manner = { ...FAILING };
    const main = {
      scripts: [mannered('a', manner), mannered('b', WELL)],
      health: { passive: { consecutive5xx: 2, interval: '20ms', baseEjection: '50ms' } },
    };
    await playServices({ services: { main } }, async ({ ask, askUntil }) => {
      for (let failed = 0; failed < 2; ) if ((await ask()).status === 500) failed++;
      manner.status = 200;
      await askUntil(({ body }) => body.toString() === 'a');
    });
  });
});

test('where all targets fail, no more are taken out than may be: the others are still asked', async () => {
  const scripts = ['a', 'b', 'c', 'd'].map((name) => mannered(name, FAILING));
  const health = { passive: { consecutive5xx: 2, maxEjected: 50 } };
  await playServices({ services: { main: { scripts, health } } }, async ({ ask, upstreams }) => {
    for (let i = 0; i < 40; i++) assert.equal((await ask()).status, 500);
    const asked = upstreams().map(requestsAt);
    assert.deepEqual(asked.filter((count) => count === 2).length, 2);
    assert.ok(asked.every((count) => count >= 2));
  });
});
