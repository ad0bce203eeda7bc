import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IdentityNodes, type Node } from '../support/identity-nodes.ts';
import { TEST_CLIENT, type TestProvider } from '../support/identity-provider.ts';
import { codeOf, SCRIPT, SESSION } from '../support/login-play.ts';
import { RedisServer } from '../support/redis.ts';
import { until } from '../support/redis-groups.ts';
import { type PageAnswer, UserAgent } from '../support/user-agent.ts';

const LIMIT = { timeout: 60_000 };
const AUDIENCE = 'urn:api';
/** So that each worker is asked: each request has a connection of its own. */
const TIMES = 12;
const PROVIDER_AWAY = [503, 'provider_unavailable'];
const SESSIONS_AWAY = [503, 'sessions_unavailable'];

/** Beside /keycloak, which needs a token of the session. */
const ROUTES = {
  open: { match: { paths: ['/open'] }, respond: { body: 'open' } },
  bearer: {
    match: { paths: ['/bearer'] },
    policies: [{ jwt: { provider: 'keycloak', audience: AUDIENCE, claims: { subject: 'client_id' } } }],
    respond: { body: 'bearer' },
  },
  user: { match: { paths: ['/user'] }, policies: [{ session: { name: 'web' } }], respond: { body: 'user' } },
  anybody: {
    match: { paths: ['/anybody'] },
    policies: [
      { session: { name: 'web', required: false } },
      {
        'identity-headers': { set: { 'X-User': '${principal.subject}' }, anonymous: { 'X-User': 'nobody' } },
      },
    ],
    service: 'keycloak',
  },
};

async function tokenOf({ issuer }: TestProvider): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${TEST_CLIENT.id}:${TEST_CLIENT.secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE }),
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  assert.ok(token);
  return `Bearer ${token}`;
}

suite('a gateway with two workers', () => {
  let stack: AsyncDisposableStack;
  let redis: RedisServer;
  let nodes: IdentityNodes;
  let provider: TestProvider;
  let node: Node;
  let authorization: string;
  let agent: UserAgent;

  /** Status, and code of problem details. */
  async function ask(path: string, fields: Record<string, string> = {}): Promise<unknown[]> {
    return seen(await new UserAgent({ ...SCRIPT, ...fields }).request(node.url + path));
  }

  function cookie(): string {
    return `${SESSION}=${agent.cookie(node.url, SESSION)}`;
  }

  before(async () => {
    stack = new AsyncDisposableStack();
    redis = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    stack.defer(() => redis.close());
    nodes = stack.use(
      await IdentityNodes.start({
        providers: ['keycloak'],
        settings: { accessTokens: 'jwt', audience: AUDIENCE },
        state: { redis: { url: redis.url } },
        routes: ROUTES,
      }),
    );
    provider = nodes.provider('keycloak');
    authorization = await tokenOf(provider);
    await provider.stop();
    await redis.kill();
    node = await nodes.node();
  });

  after(() => stack.disposeAsync());

  test('starts without its provider and Redis, and serves all once they come', LIMIT, async () => {
    const secret = `${SESSION}=v1.${randomBytes(32).toString('base64url')}`;
    for (let i = 0; i < TIMES; i++) {
      assert.deepEqual(await ask('/open'), [200, 'open']);
      assert.deepEqual(await ask('/anybody'), [200, 'served']);
      assert.deepEqual(await ask('/user'), [401, 'unauthenticated']);
      assert.deepEqual(await ask('/bearer'), [401, 'unauthenticated']);
      assert.deepEqual(await ask('/bearer', { authorization }), PROVIDER_AWAY);
      for (const path of ['/user', '/anybody', '/auth/user'])
        assert.deepEqual(await ask(path, { cookie: secret }), SESSIONS_AWAY, path);
    }
    await redis.restart();
    await untilAll(async () => (await ask('/user', { cookie: secret }))[0] === 401);
    assert.deepEqual(await ask('/auth/login'), PROVIDER_AWAY);

    await provider.start();
    await untilAll(async () => (await ask('/bearer', { authorization }))[0] === 200);
    await untilAll(async () => (await ask('/auth/login'))[0] === 303);
    agent = new UserAgent();
    assert.equal((await agent.signIn(`${node.url}/auth/login?redirect=/user`, 'alice')).body, 'user');
  });

  test('serves who is signed in while the provider is away, as far as tokens go', LIMIT, async () => {
    provider.settings.accessTokenTtlMs = 2000;
    agent = new UserAgent();
    const page = await agent.signIn(`${node.url}/auth/login?redirect=/keycloak/a`, 'alice');
    assert.deepEqual(seen(page), [200, 'served']);
    await provider.stop();
    await delay(2000);
    for (let i = 0; i < TIMES; i++) {
      assert.deepEqual(await ask('/keycloak/a', { cookie: cookie() }), PROVIDER_AWAY);
      assert.deepEqual(await ask('/user', { cookie: cookie() }), [200, 'user']);
      assert.deepEqual(await ask('/bearer', { authorization }), [200, 'bearer']);
      assert.deepEqual(await ask('/open'), [200, 'open']);
    }
    provider.settings.accessTokenTtlMs = 600_000;
    await provider.start();
    await untilAll(async () => (await ask('/keycloak/a', { cookie: cookie() }))[0] === 200);
    assert.deepEqual(new Set(provider.redemptions.values()), new Set([1]));
  });

  test('takes nobody for anonymous while Redis is away, and knows them when it is back', LIMIT, async () => {
    const { received } = nodes.backend('keycloak');
    const users = (): unknown[] => received.splice(0).map(({ 'x-user': user }) => user);
    users();
    for (let i = 0; i < TIMES; i++)
      assert.deepEqual(await ask('/anybody', { cookie: cookie() }), [200, 'served']);
    await redis.kill();
    await untilAll(async () => (await ask('/anybody', { cookie: cookie() }))[0] === 503);
    for (let i = 0; i < TIMES; i++)
      for (const path of ['/anybody', '/user', '/keycloak/a', '/auth/user'])
        assert.deepEqual(await ask(path, { cookie: cookie() }), SESSIONS_AWAY, path);
    assert.deepEqual(new Set(users()), new Set(['alice']));
    assert.deepEqual(await ask('/anybody'), [200, 'served']);
    assert.deepEqual(users(), ['nobody']);
    assert.deepEqual(await ask('/bearer', { authorization }), [200, 'bearer']);
    assert.deepEqual(await ask('/auth/login'), SESSIONS_AWAY);

    await redis.restart();
    const answers: unknown[] = [];
    await untilAll(async () => {
      const answer = await ask('/anybody', { cookie: cookie() });
      answers.push(answer);
      return answer[0] === 200;
    });
    assert.deepEqual(new Set(users()), new Set(['alice']));
    for (const answer of answers) assert.ok([200, 503].includes((answer as [number])[0]));
    assert.deepEqual(await ask('/keycloak/a', { cookie: cookie() }), [200, 'served']);
  });
});

/** Until both workers say so: that many times in a row. */
function untilAll(isSo: () => Promise<boolean>): Promise<void> {
  return until(async () => {
    for (let i = 0; i < TIMES; i++) if (!(await isSo())) return false;
    return true;
  });
}

function seen(answer: PageAnswer): unknown[] {
  return [answer.status, answer.body.startsWith('{') ? codeOf(answer) : answer.body];
}
