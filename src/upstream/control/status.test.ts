import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { breakerSchema } from '../breaker/schema.ts';
import { ControlPlay, serviceAt } from './play.support.ts';

suite('the status of a service', () => {
  test('says what is known of each target', async (t) => {
    const play = new ControlPlay(t);
    await play.apply({
      orders: {
        ...serviceAt([], { active: {} }),
        targets: [
          { url: 'http://a', weight: 3, zone: 'east' },
          { url: 'http://b', weight: 1 },
          { url: 'http://c', weight: 0 },
        ],
      },
    });
    play.pass(1000);
    play.end('a', 'status 500');
    play.end('b');
    play.cell('orders', 'b').outlier.tryEject(Date.now() + 15_000);
    play.cell('orders', 'b').inFlight.enter();
    const { orders } = play.control.status();
    const at = '1970-01-01T00:16:41.000Z';
    const withoutTime = JSON.parse(
      JSON.stringify(orders, (key, value) => (key === 'tookMs' ? undefined : value)),
    );
    const calm = { draining: false, ejected: false, ejectedForMs: 0, inFlight: 0 };
    assert.deepEqual(withoutTime, {
      counts: { targets: 3, usable: 0, down: 1, ejected: 1, draining: 0 },
      inFlight: 0,
      pending: 0,
      retries: 0,
      targets: [
        {
          ...calm,
          url: 'http://a',
          weight: 3,
          zone: 'east',
          health: 'down',
          lastCheck: { at, passed: false, cause: 'status 500' },
        },
        {
          url: 'http://b',
          weight: 1,
          health: 'up',
          draining: false,
          lastCheck: { at, passed: true },
          ejected: true,
          ejectedForMs: 15_000,
          inFlight: 1,
        },
        { ...calm, url: 'http://c', weight: 0, health: 'unknown' },
      ],
    });
  });

  for (const [scope, service, target] of [
    ['service', 'closed', undefined],
    ['target', undefined, 'closed'],
    ['both', 'closed', 'closed'],
  ] as const) {
    test(`says the state of breakers of the scope ${scope}`, async (t) => {
      const play = new ControlPlay(t);
      await play.apply({ orders: serviceAt(['a'], { breaker: breakerSchema.parse({ scope }) }) });
      const { orders } = play.control.status();
      assert.deepEqual([orders?.breaker, orders?.targets[0]?.breaker], [service, target]);
    });
  }
});
