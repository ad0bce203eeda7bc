import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { IdentityNodes, type Node } from '../support/identity-nodes.ts';
import { SCRIPT } from '../support/login-play.ts';
import { PASSWORD, startRedisCluster, startSentinels, until } from '../support/redis-groups.ts';
import { type PageAnswer, UserAgent } from '../support/user-agent.ts';

const LIMIT = { timeout: 60_000 };
const PROVIDER = 'keycloak';
const SHORT_MS = 2000;
/** Nothing that is renewed with this is renewed again while a test runs. */
const LONG_MS = 600_000;
/** So that each worker is asked: each request has a connection of its own. */
const TIMES = 8;

interface Play extends AsyncDisposable {
  readonly nodes: IdentityNodes;
  readonly a: Node;
  readonly b: Node;
}

/** Two nodes with this `state.redis`. */
async function play(redis: Readonly<Record<string, unknown>>): Promise<Play> {
  await using stack = new AsyncDisposableStack();
  const state = { redis: { ...redis, recordsTimeout: '8s', connectTimeout: '4s' } };
  const nodes = stack.use(await IdentityNodes.start({ providers: [PROVIDER], state }));
  // One after the other: where the machine is busy, two at a time are slow to start.
  const a = await nodes.node();
  const b = await nodes.node();
  const rest = stack.move();
  return { nodes, a, b, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

function ask(agent: UserAgent, { url }: Node): Promise<PageAnswer> {
  return agent.request(`${url}/${PROVIDER}/api`, { fields: SCRIPT });
}

async function statusesOf(agent: UserAgent, node: Node): Promise<readonly number[]> {
  const answers = [];
  for (let i = 0; i < TIMES; i++) answers.push(await ask(agent, node));
  return [...new Set(answers.map(({ status }) => status))];
}

async function signIn({ url }: Node): Promise<UserAgent> {
  const agent = new UserAgent();
  const page = await agent.signIn(`${url}/auth/login?redirect=/${PROVIDER}/page`, 'alice');
  assert.deepEqual([page.status, page.body], [200, 'served']);
  return agent;
}

/** Both nodes know the user until a logout at one, and each token of the provider was redeemed once. */
async function renewAndLogout({ nodes, a, b }: Play, agent: UserAgent): Promise<void> {
  const provider = nodes.provider(PROVIDER);
  const backend = nodes.backend(PROVIDER);
  assert.deepEqual(await statusesOf(agent, b), [200]);
  const before = backend.authorizations.length;
  await until(async () => {
    assert.equal((await ask(agent, b)).status, 200);
    return backend.authorizations.length > before;
  });
  // What is renewed next lives long.
  provider.settings.accessTokenTtlMs = LONG_MS;
  const given = backend.authorizations.length;
  await until(async () => {
    assert.equal((await ask(agent, a)).status, 200);
    return backend.authorizations.length > given;
  });
  for (const node of [a, b]) assert.deepEqual(await statusesOf(agent, node), [200]);
  assert.deepEqual(new Set(provider.redemptions.values()), new Set([1]));
  assert.deepEqual(
    provider.tokenAnswers.filter(({ error }) => error !== undefined),
    [],
  );
  const known = new Map(agent.cookies.get('127.0.0.1'));
  const out = await agent.request(`${b.url}/auth/logout`, { method: 'POST', fields: SCRIPT });
  assert.equal(out.status, 204);
  agent.cookies.set('127.0.0.1', known);
  for (const node of [a, b]) assert.deepEqual(await statusesOf(agent, node), [401]);
}

suite('login, renewal and logout, with two nodes', () => {
  test('over a Redis Cluster', LIMIT, async () => {
    await using stack = new AsyncDisposableStack();
    const cluster = await startRedisCluster();
    stack.defer(() => cluster.close());
    const playing = stack.use(await play({ cluster: { nodes: cluster.urls } }));
    playing.nodes.provider(PROVIDER).settings.accessTokenTtlMs = SHORT_MS;
    await renewAndLogout(playing, await signIn(playing.a));
  });

  test(
    'over a Redis led by sentinels, whose primary dies in between: nobody is logged out',
    LIMIT,
    async () => {
      await using stack = new AsyncDisposableStack();
      const sentinels = await startSentinels();
      stack.defer(() => sentinels.close());
      const { name, urls, primary, replica } = sentinels;
      const playing = stack.use(await play({ sentinels: { name, nodes: urls, password: PASSWORD } }));
      const { nodes, a, b } = playing;
      const provider = nodes.provider(PROVIDER);
      provider.settings.accessTokenTtlMs = LONG_MS;
      const [agent, other] = [await signIn(a), await signIn(b)];
      assert.equal(await primary.send('WAIT', '1', '1000'), 1);
      await primary.kill();
      // While there is no primary, each is known or told to wait, and nobody is nobody.
      const seen = new Set<number>();
      await until(async () => {
        for (const node of [a, b]) seen.add((await ask(agent, node)).status);
        return ((await replica.send('ROLE')) as unknown[])[0] === 'master';
      });
      assert.deepEqual(
        [...seen].filter((status) => status !== 200 && status !== 503),
        [],
      );
      for (const each of [agent, other]) {
        for (const node of [a, b]) await until(async () => (await ask(each, node)).status === 200);
      }
      provider.settings.accessTokenTtlMs = SHORT_MS;
      await renewAndLogout(playing, await signIn(b));
      // Others are signed in as before.
      for (const node of [a, b]) assert.deepEqual(await statusesOf(other, node), [200]);
    },
  );
});
