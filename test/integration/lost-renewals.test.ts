import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, LoginPlay, SCRIPT, whoIs } from '../support/login-play.ts';
import { TokenBackend } from '../support/token-backend.ts';
import { UserAgent } from '../support/user-agent.ts';

it('A refresh token that a provider redeemed without an answer is not redeemed again; the user connects the provider', async () => {
  await using backend = await TokenBackend.start();
  await using play = await LoginPlay.start({
    providers: { first: { accessTokenTtlMs: 1000 } },
    config: {
      services: { backend: { url: backend.url } },
      routes: {
        api: {
          match: { paths: ['/api'] },
          service: 'backend',
          policies: [{ session: { name: 'web' } }, { inject: { provider: 'first' } }],
        },
      },
    },
  });
  const provider = play.provider('first');
  const agent = new UserAgent();
  await agent.signIn(`${play.url}/auth/login`, 'alice');
  const { grants } = await whoIs(play, agent);
  provider.swallowed.add('/token');
  await delay(Date.parse((grants as { expiresAt: string }[])[0]?.expiresAt ?? '') - Date.now() + 1);

  for (let i = 0; i < 5; i++) {
    const answer = await agent.request(`${play.url}/api`, { fields: SCRIPT });
    assert.deepEqual([answer.status, codeOf(answer)], [401, 'grant_required']);
  }
  assert.deepEqual([...provider.redemptions.values()], [1]);
  assert.equal(provider.requests.filter((path) => path === '/token').length, 2);
  assert.equal((await agent.request(`${play.url}/auth/user`)).status, 200);

  provider.swallowed.clear();
  const page = await agent.go(`${play.url}/auth/connect/first?redirect=/api`);
  assert.deepEqual([page.status, page.body], [200, 'served']);
  assert.equal(backend.received.length, 1);
});
