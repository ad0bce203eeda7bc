import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { unauthenticated } from '../refusals.ts';
import { SessionHooks } from './session-hooks.ts';

it('lets nobody through as nobody, whom a later policy may still send to the login', async () => {
  const exchange = exchangeFor({});
  const hooks = new SessionHooks({
    authenticator: {
      authenticate: () => ({ kind: 'absent', isOver: false }),
      challenge: () => 'Cookie realm="web"',
      strip: () => assert.fail('there is nothing to take off'),
    },
    isRequired: false,
    visitors: undefined,
    clearCookie: () => assert.fail('there is no cookie'),
    count: () => assert.fail('nothing is refused'),
  });
  assert.equal(await hooks.onRequest(exchange), undefined);
  assert.deepEqual(unauthenticated(exchange).headers, { 'WWW-Authenticate': 'Cookie realm="web"' });
  exchange.challenger = { challengeOf: () => 'Basic realm="x"' };
  await hooks.onRequest(exchange);
  assert.deepEqual(unauthenticated(exchange).headers, { 'WWW-Authenticate': 'Basic realm="x"' });
});
