import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { IdentityNodes } from '../support/identity-nodes.ts';
import { SCRIPT, SESSION } from '../support/login-play.ts';
import { RedisServer } from '../support/redis.ts';
import { secretsIn } from '../support/secret-search.ts';
import { ask, checkTokens, NAMES, secretsOf, signIn } from '../support/three-providers.ts';
import { UserAgent } from '../support/user-agent.ts';

const LIMIT = { timeout: 60_000 };
/** So that each worker of a node is asked: each request has a connection of its own. */
const TIMES = 12;

/** Every key with its value as DUMP has it, and the file that SAVE writes. */
async function wholeDump(redis: RedisServer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (const key of await keysOf(redis)) pieces.push(Buffer.from(key), await redis.dump(key));
  await redis.send('SAVE');
  const { dir } = (await redis.send('CONFIG', 'GET', 'dir')) as { dir: string };
  pieces.push(readFileSync(join(dir, 'dump.rdb')));
  return Buffer.concat(pieces);
}

async function keysOf(redis: RedisServer): Promise<readonly string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, some] = (await redis.send('SCAN', cursor, 'COUNT', '1000')) as [string, string[]];
    for (const key of some) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...keys];
}

suite('a login through three providers', () => {
  test(
    'is of use on each node, tells nothing to who reads Redis, and ends everywhere at once',
    LIMIT,
    async () => {
      // Compressed, a token would be there and not be found.
      await using stack = new AsyncDisposableStack();
      const redis = await RedisServer.start(['--rdbcompression', 'no']);
      stack.defer(() => redis.close());
      const nodes = stack.use(
        await IdentityNodes.start({ providers: NAMES, state: { redis: { url: redis.url } } }),
      );
      const [a, b] = [await nodes.node(), await nodes.node()];
      const agent = await signIn(a);
      agent.cookies.get('127.0.0.1')?.set('theme', 'dark');

      for (const node of [a, b])
        for (const name of NAMES)
          for (let i = 0; i < TIMES; i++) assert.equal((await ask(agent, node, `/${name}/api`)).status, 200);
      await checkTokens(nodes);
      const cookies = NAMES.flatMap((name) => nodes.backend(name).received.map(({ cookie }) => cookie ?? ''));
      const [first, ...others] = cookies;
      assert.equal(first?.includes('portcullis'), false);
      // Providers on other ports are the same site to a cookie; none of the gateway's is among them.
      for (const cookie of others) assert.match(cookie, /(?:^|; )theme=dark(?:;|$)/);
      for (const cookie of others) assert.doesNotMatch(cookie, /portcullis/);

      const keys = await keysOf(redis);
      assert.equal(keys.filter((key) => key.includes('record:')).length, 1 + NAMES.length);
      for (const key of keys) assert.ok(Number(await redis.send('PTTL', key)) > 0, `${key} has no lifetime`);
      const secrets = secretsOf(nodes, agent, a);
      assert.equal(Object.keys(secrets).length, 2 + 3 * NAMES.length);
      assert.deepEqual(secretsIn(await wholeDump(redis), secrets), []);
      await assertFound(redis, secrets);

      const out = await agent.request(`${a.url}/auth/logout`, { method: 'POST', fields: SCRIPT });
      assert.equal(out.status, 204);
      const cookie = `${SESSION}=v1.${secrets['the cookie']}`;
      for (let i = 0; i < TIMES; i++)
        for (const node of [b, a]) {
          const answer = await new UserAgent({ ...SCRIPT, cookie }).request(`${node.url}/gitlab/api`);
          assert.equal(answer.status, 401);
        }
      const left = await keysOf(redis);
      assert.deepEqual(
        left.filter((key) => key.includes('record:')),
        [],
      );
    },
  );
});

/** The search finds what is there, in whatever form. */
async function assertFound(redis: RedisServer, secrets: Readonly<Record<string, string>>): Promise<void> {
  const forms: readonly ((secret: string) => string)[] = [
    (secret) => secret,
    (secret) => Buffer.from(`{"a":"${secret}"}`).toString('base64'),
    (secret) => Buffer.from(`["${secret}"]`).toString('base64url'),
    (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  ];
  for (const [at, secret] of Object.values(secrets).entries())
    await redis.send('SET', `planted ${at}`, `before ${forms[at % forms.length]?.(secret)} after`);
  const found = secretsIn(await wholeDump(redis), secrets);
  assert.deepEqual(new Set(found.map((text) => text.split(', ')[0])), new Set(Object.keys(secrets)));
}
