import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IdentityNodes, type Node } from '../support/identity-nodes.ts';
import type { TestProvider } from '../support/identity-provider.ts';
import { grantsOf, SCRIPT, SESSION } from '../support/login-play.ts';
import { RedisServer } from '../support/redis.ts';
import { until } from '../support/redis-groups.ts';
import { RequestStorm } from '../support/request-storm.ts';
import { UserAgent } from '../support/user-agent.ts';

const LIMIT = { timeout: 60_000 };
const REQUESTS = 500;
const USERS = ['alice', 'bob'] as const;
const SHORT_MS = 2000;
/** Nothing that is renewed with this is renewed again while a test runs. */
const LONG_MS = 600_000;

/** Users who are signed in, as their requests have it. */
type Signed = readonly Readonly<Record<string, string>>[];

async function signIn(node: Node): Promise<Signed> {
  const signed = [];
  for (const user of USERS) {
    const agent = new UserAgent();
    const page = await agent.signIn(`${node.url}/auth/login?redirect=/keycloak/a`, user);
    assert.deepEqual([page.status, page.body], [200, 'served']);
    signed.push({ ...SCRIPT, cookie: `${SESSION}=${agent.cookie(node.url, SESSION)}` });
  }
  return signed;
}

/** Resolves when the last of the tokens ends. The answers of the provider have said when that is. */
async function untilEnd(node: Node, signed: Signed): Promise<void> {
  for (const fields of signed) {
    const answer = await new UserAgent(fields).request(`${node.url}/auth/user`);
    const { grants } = JSON.parse(answer.body) as { grants: { expiresAt: string }[] };
    await delay(Math.max(0, Date.parse(grants[0]?.expiresAt ?? '') - Date.now()));
  }
}

/** That no refresh token was redeemed twice or refused, and so many of those that were given out since the answer number `from` were not redeemed yet. */
function assertOncePerGeneration(provider: TestProvider, from: number, unused: number): void {
  const given = provider.tokenAnswers.slice(from);
  assert.deepEqual(
    given.filter(({ error }) => error !== undefined),
    [],
  );
  assert.deepEqual(new Set(provider.redemptions.values()), new Set([1]));
  const left = given.filter(({ refresh_token: token }) => !provider.redemptions.has(String(token)));
  assert.equal(left.length, unused);
}

suite('500 requests over two nodes with two workers each, at the moment when tokens end that are redeemed once', () => {
  let stack: AsyncDisposableStack;
  let redis: RedisServer;
  let nodes: IdentityNodes;
  let provider: TestProvider;
  let a: Node;
  let b: Node;

  const urls = (): string[] => [a, b].map(({ url }) => `${url}/keycloak/a`);

  before(async () => {
    stack = new AsyncDisposableStack();
    // Each write is on the disk before it is answered.
    redis = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    stack.defer(() => redis.close());
    nodes = stack.use(
      await IdentityNodes.start({
        providers: ['keycloak', 'gitlab'],
        state: { redis: { url: redis.url, recordsTimeout: '8s' } },
        provider: { timeout: '4s' },
      }),
    );
    provider = nodes.provider('keycloak');
    // One after the other: where the machine is busy, two at a time are slow to start.
    a = await nodes.node();
    b = await nodes.node();
  });

  after(() => stack.disposeAsync());

  test('renew each generation once, however slow the provider is', LIMIT, async (t) => {
    const from = provider.tokenAnswers.length;
    provider.settings.accessTokenTtlMs = SHORT_MS;
    const signed = await signIn(a);
    using storm = new RequestStorm();
    // So many connections, which are open when the moment comes.
    assert.deepEqual(await storm.send(urls(), signed, REQUESTS), { 200: REQUESTS });
    provider.delaysMs['/token'] = 200;
    provider.answerDelaysMs['/token'] = 300;
    for (const ttlMs of [SHORT_MS, SHORT_MS, LONG_MS]) {
      await untilEnd(b, signed);
      provider.settings.accessTokenTtlMs = ttlMs;
      // Nothing is renewed before all of them are there.
      provider.holds['/token'] = storm.untilSent(storm.sent + REQUESTS);
      assert.deepEqual(await storm.send(urls(), signed, REQUESTS), { 200: REQUESTS });
    }
    const given = provider.tokenAnswers.length - from;
    t.diagnostic(`${4 * REQUESTS} answers, ${given} generations of the tokens of ${USERS.length} users`);
    assert.ok(given >= 4 * USERS.length);
    assertOncePerGeneration(provider, from, USERS.length);
    assert.deepEqual([storm.most, storm.broken], [REQUESTS, 0]);
  });

  test('wait for a Redis that dies while the provider redeems, and lose nothing', LIMIT, async (t) => {
    provider.delaysMs['/token'] = 0;
    provider.answerDelaysMs['/token'] = 0;
    provider.settings.accessTokenTtlMs = SHORT_MS;
    const signed = await signIn(b);
    await untilEnd(a, signed);
    provider.settings.accessTokenTtlMs = LONG_MS;
    provider.answerDelaysMs['/token'] = 1000;
    const from = provider.tokenAnswers.length;
    const asked = timesAsked(provider);
    using storm = new RequestStorm();
    const answers = storm.send(urls(), signed, REQUESTS);
    await provider.asked('/token', asked + USERS.length);
    await redis.kill();
    const killedMs = performance.now();
    await delay(500);
    await redis.restart();
    t.diagnostic(`Redis was away for ${Math.round(performance.now() - killedMs)} ms`);
    assert.deepEqual(await answers, { 200: REQUESTS });
    assert.equal(timesAsked(provider), asked + USERS.length);
    assertOncePerGeneration(provider, from, USERS.length);
    assert.deepEqual(await storm.send(urls(), signed, 100), { 200: 100 });
  });

  test('go on at the other node when one is killed whose refresh is on the way', LIMIT, async (t) => {
    provider.answerDelaysMs['/token'] = 0;
    provider.settings.accessTokenTtlMs = SHORT_MS;
    const signed = await signIn(a);
    await untilEnd(a, signed);
    provider.settings.accessTokenTtlMs = LONG_MS;
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    provider.holds['/token'] = held;
    const from = provider.tokenAnswers.length;
    const asked = timesAsked(provider);
    using storm = new RequestStorm();
    const [first = {}] = signed;
    const alone = storm.send(urls(), [first], 1);
    await provider.asked('/token', asked + 1);
    const rest = storm.send(urls(), signed, REQUESTS - 1);
    await storm.untilSent(100);
    a.cli.signal('SIGKILL');
    await a.cli.exited;
    const killedMs = performance.now();
    release();
    assert.deepEqual([await alone, await rest], [{ 200: 1 }, { 200: REQUESTS - 1 }]);
    t.diagnostic(
      `all answered ${Math.round(performance.now() - killedMs)} ms after the end; ${storm.broken} sent again`,
    );
    assert.ok(storm.broken > 0);
    // What the dead node had asked for never came to be: it was asked for once more, by the other.
    assert.ok(timesAsked(provider) > asked + USERS.length);
    assertOncePerGeneration(provider, from, USERS.length);
    assert.equal(provider.tokenAnswers.length, from + USERS.length);
  });

  test(
    'lose one grant alone when a node is killed after the provider redeemed and before it answered',
    LIMIT,
    async () => {
      const dying = await nodes.node();
      provider.holds['/token'] = Promise.resolve();
      provider.settings.accessTokenTtlMs = SHORT_MS;
      const agent = new UserAgent();
      await agent.signIn(`${b.url}/auth/login?redirect=/keycloak/a`, 'alice');
      const signed = [{ ...SCRIPT, cookie: `${SESSION}=${agent.cookie(b.url, SESSION)}` }];
      const redeemed = String(provider.tokenAnswers.at(-1)?.['refresh_token']);
      await untilEnd(b, signed);
      provider.settings.accessTokenTtlMs = LONG_MS;
      // Longer than the node lives.
      provider.answerDelaysMs['/token'] = 60_000;
      using storm = new RequestStorm();
      const alone = storm.send([`${dying.url}/keycloak/a`, `${b.url}/keycloak/a`], signed, 1);
      await until(async () => provider.redemptions.has(redeemed));
      dying.cli.signal('SIGKILL');
      await dying.cli.exited;
      provider.answerDelaysMs['/token'] = 0;
      const rest = storm.send([`${b.url}/keycloak/a`], signed, REQUESTS / 2);
      const lost = '401 grant_required';
      assert.deepEqual([await alone, await rest], [{ [lost]: 1 }, { [lost]: REQUESTS / 2 }]);

      // The session and what others gave are as they were, and what is lost is connected again.
      const connected = async (): Promise<unknown> =>
        grantsOf(JSON.parse((await agent.request(`${b.url}/auth/user`)).body));
      assert.deepEqual(await connected(), { keycloak: false, gitlab: true });
      assert.deepEqual(await storm.send([`${b.url}/gitlab/a`], signed, 10), { 200: 10 });
      const page = await agent.signIn(`${b.url}/auth/connect/keycloak?redirect=/keycloak/a`, 'alice');
      assert.deepEqual([page.url, page.status, page.body], [`${b.url}/keycloak/a`, 200, 'served']);
      assert.deepEqual(await connected(), { keycloak: true, gitlab: true });
    },
  );
});

function timesAsked(provider: TestProvider): number {
  return provider.requests.filter((path) => path === '/token').length;
}
