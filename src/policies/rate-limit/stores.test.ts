import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import type { Limiter } from '../../state/limiter.ts';
import { compileLimits } from './limits.ts';
import { answered, PolicyPlay } from './rate-limit.support.ts';
import { rateLimitSchema } from './schema.ts';

/** Nobody is there to be asked, as when Redis is away. */
const AWAY: Limiter = {
  isInstant: false,
  decision: (limits) => ({
    charges: new PolicyPlay().limits.decision(limits).charges,
    take: async () => 'unavailable' as const,
    correct() {},
    release() {},
  }),
};

describe('What nobody can decide', () => {
  for (const [title, options, onFailure, status] of [
    ['is let through where it fails open', {}, 'open', undefined],
    ['is refused where it fails closed', {}, 'closed', 503],
    ['is refused where it fails closed, also when it would wait', { delay: { max: '1s' } }, 'closed', 503],
    ['is let through in shadow mode', { shadow: true }, 'closed', undefined],
  ] as const) {
    it(`${title}, counted, and without fields of what is left`, async () => {
      const play = new PolicyPlay();
      const policy = play.policy({ limits: ['1/h'], ...options }, {}, AWAY, onFailure);
      const exchange = exchangeFor({});
      const answer = await policy.onRequest(exchange);
      answered(policy, exchange);
      policy.onEnd?.(exchange);
      assert.deepEqual([answer?.status, play.events, exchange.responseLines], [status, ['unavailable'], []]);
    });
  }
});

describe('The limits of one use', () => {
  const slotsOf = (second: object) => {
    const options = rateLimitSchema.parse({ limits: [{ rate: '1/s' }, { rate: '9/h', ...second }] });
    const place = { route: 'main', service: undefined, global: false };
    return compileLimits(options, place).map(({ limit }) => limit.sharedSlot);
  };

  it('lie with their key where all have one, and with each other where they have several', () => {
    assert.deepEqual(slotsOf({}), [undefined, undefined]);
    assert.deepEqual(slotsOf({ key: 'route' }), ['route/main', 'route/main']);
  });
});
