import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, LoginPlay, SCRIPT, whoIs } from '../support/login-play.ts';
import { TokenBackend } from '../support/token-backend.ts';
import { UserAgent } from '../support/user-agent.ts';

const API = {
  match: { paths: ['/api'] },
  service: 'backend',
  policies: [{ session: { name: 'web' } }, { inject: { provider: 'first' } }],
};

/** Signed in at a provider whose tokens live for a second. */
async function signedIn(backend: TokenBackend): Promise<{ play: LoginPlay; agent: UserAgent }> {
  const play = await LoginPlay.start({
    providers: { first: { accessTokenTtlMs: 1000 } },
    config: { services: { backend: { url: backend.url } }, routes: { api: API } },
  });
  const agent = new UserAgent();
  await agent.signIn(`${play.url}/auth/login`, 'alice');
  return { play, agent };
}

async function untilTokenEnds(play: LoginPlay, agent: UserAgent): Promise<void> {
  const { grants } = await whoIs(play, agent);
  await delay(Date.parse((grants as { expiresAt: string }[])[0]?.expiresAt ?? '') - Date.now() + 1);
}

it('A token is renewed once by a configuration that drains and the one that took its place', async () => {
  await using backend = await TokenBackend.start();
  const { play, agent } = await signedIn(backend);
  await using _play = play;
  const provider = play.provider('first');
  await untilTokenEnds(play, agent);
  provider.settings.accessTokenTtlMs = 60_000;
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  provider.holds['/token'] = held;
  const ask = () => agent.request(`${play.url}/api`, { fields: SCRIPT });
  const before = ask();
  await provider.asked('/token', 2);
  await play.reload({ idleTimeout: '1h' });
  const afterwards = [ask(), ask()];
  // Those have read the grant, and wait: they would have asked by then.
  await delay(300);
  release();
  for (const { status, body } of await Promise.all([before, ...afterwards]))
    assert.deepEqual([status, body], [200, 'served']);
  assert.equal(provider.requests.filter((path) => path === '/token').length, 2);
  assert.deepEqual([...provider.redemptions.values()], [1]);
  assert.equal(backend.authorizations.length, 1);
});

it('A refresh token that a provider redeemed without an answer is not redeemed again; the user connects the provider', async () => {
  await using backend = await TokenBackend.start();
  const { play, agent } = await signedIn(backend);
  await using _play = play;
  const provider = play.provider('first');
  provider.swallowed.add('/token');
  await untilTokenEnds(play, agent);

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

it('A provider that signs with another key from one moment to the next loses nobody: neither who is signed in nor who comes', async () => {
  await using backend = await TokenBackend.start();
  const { play, agent } = await signedIn(backend);
  await using _play = play;
  const provider = play.provider('first');
  for (const forget of [false, true]) {
    await provider.rotateKeys({ forget });
    const bob = new UserAgent();
    await bob.signIn(`${play.url}/auth/login`, 'bob');
    assert.equal((await whoIs(play, bob))['subject'], 'bob');
  }
  await untilTokenEnds(play, agent);
  await provider.rotateKeys({ forget: true });
  const answer = await agent.request(`${play.url}/api`, { fields: SCRIPT });
  assert.deepEqual([answer.status, answer.body], [200, 'served']);
  assert.doesNotMatch(play.gateway.log.join('\n'), /warn/);
});
