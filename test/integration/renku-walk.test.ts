import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Browser, BrowserContext, Cookie, Page } from 'playwright-core';
import { ask } from '../support/ask.ts';
import { signInAt, startBrowser } from '../support/browser.ts';
import { TestAuthority } from '../support/certificates.ts';
import { IdentityNodes, type Node } from '../support/identity-nodes.ts';
import { SCRIPT } from '../support/login-play.ts';
import { RedisServer } from '../support/redis.ts';
import { secretsIn } from '../support/secret-search.ts';
import { checkTokens, NAMES, secretsOf } from '../support/three-providers.ts';

const LIMIT = { timeout: 60_000 };
/** So that each worker of a node is asked: each request has a connection of its own. */
const TIMES = 12;
const SESSION = '__Host-portcullis';

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

async function recordsOf(redis: RedisServer): Promise<readonly string[]> {
  return (await keysOf(redis)).filter((key) => key.includes('record:'));
}

/** The search finds what is there, in whatever form. */
async function assertFound(redis: RedisServer, secrets: Readonly<Record<string, string>>): Promise<void> {
  const forms: readonly ((secret: string) => string)[] = [
    (secret) => secret,
    (secret) => Buffer.from(`{"a":"${secret}"}`).toString('base64'),
    (secret) => Buffer.from(`["${secret}"]`).toString('base64url'),
    (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  ];
  const planted = Object.values(secrets).map((_, at) => `planted ${at}`);
  for (const [at, secret] of Object.values(secrets).entries())
    await redis.send('SET', planted[at] ?? '', `before ${forms[at % forms.length]?.(secret)} after`);
  const found = secretsIn(await wholeDump(redis), secrets);
  assert.deepEqual(new Set(found.map((text) => text.split(', ')[0])), new Set(Object.keys(secrets)));
  await redis.send('DEL', ...planted);
}

suite('a login through three providers, in a browser, over TLS, at two nodes with one Redis', () => {
  let stack: AsyncDisposableStack;
  let redis: RedisServer;
  let nodes: IdentityNodes;
  let a: Node;
  let b: Node;
  let browser: Browser;

  before(async () => {
    stack = new AsyncDisposableStack();
    // Compressed, a token would be there and not be found.
    redis = await RedisServer.start(['--rdbcompression', 'no']);
    stack.defer(() => redis.close());
    nodes = stack.use(
      await IdentityNodes.start({
        providers: NAMES,
        state: { redis: { url: redis.url } },
        certificate: await (await TestAuthority.make()).issue('gateway', ['localhost']),
      }),
    );
    // One after the other: where the machine is busy, two at a time are slow to start.
    a = await nodes.node();
    b = await nodes.node();
    browser = stack.use(await startBrowser());
  });

  after(() => stack?.disposeAsync());

  /** A page of somebody who went to one that needs a login, and their session. */
  async function signedIn(node: Node): Promise<{ context: BrowserContext; page: Page; cookie: Cookie }> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    await context.addCookies([{ name: 'theme', value: 'dark', url: node.url }]);
    const page = await context.newPage();
    await page.goto(`${node.url}/keycloak/projects?tab=2`);
    await signInAt(page, NAMES.length);
    assert.equal(page.url(), `${node.url}/keycloak/projects?tab=2`);
    const cookie = (await context.cookies(node.url)).find(({ name }) => name === SESSION);
    assert.ok(cookie !== undefined);
    return { context, page, cookie };
  }

  /** What each worker answers to whoever has this cookie. */
  async function statusesOf({ url }: Node, path: string, { value }: Cookie): Promise<readonly number[]> {
    const statuses = new Set<number>();
    for (let i = 0; i < TIMES; i++) {
      const headers = { ...SCRIPT, cookie: `theme=dark; ${SESSION}=${value}` };
      statuses.add((await ask(url + path, { headers })).status);
    }
    return [...statuses];
  }

  test('is of use on each node, and tells nothing to who reads Redis', LIMIT, async () => {
    const { context, page, cookie } = await signedIn(a);
    const { name, domain, path, secure, httpOnly, sameSite } = cookie;
    assert.deepEqual(
      { name, domain, path, secure, httpOnly, sameSite },
      { name: SESSION, domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' },
    );
    for (const node of [b, a]) {
      await page.goto(`${node.url}/gitlab/page`);
      for (const each of NAMES) {
        assert.equal(await page.evaluate(statusOf(`/${each}/api`)), 200);
        assert.deepEqual(await statusesOf(node, `/${each}/api`, cookie), [200]);
      }
    }
    await checkTokens(nodes);
    const cookies = new Set(NAMES.flatMap((each) => nodes.backend(each).received.map((got) => got.cookie)));
    assert.deepEqual([...cookies], ['theme=dark']);

    assert.equal((await recordsOf(redis)).length, 1 + NAMES.length);
    for (const key of await keysOf(redis))
      assert.ok(Number(await redis.send('PTTL', key)) > 0, `${key} has no lifetime`);
    const secrets = secretsOf(nodes, cookie.value);
    assert.equal(Object.keys(secrets).length, 2 + 3 * NAMES.length);
    assert.deepEqual(secretsIn(await wholeDump(redis), secrets), []);
    await assertFound(redis, secrets);
    await page.evaluate(statusOf('/auth/logout', { method: 'POST' }));
    await context.close();
  });

  const WAYS: readonly (readonly [title: string, from: () => Node, to: () => Node])[] = [
    ['the node of the login', () => a, () => a],
    ['the other node', () => b, () => a],
  ];
  for (const [title, from, to] of WAYS)
    test(`ends everywhere at once by a logout at ${title}`, LIMIT, async () => {
      const { context, page, cookie } = await signedIn(from());
      for (const node of [a, b]) assert.deepEqual(await statusesOf(node, '/gitlab/api', cookie), [200]);
      await page.goto(`${to().url}/jupyter/page`);
      assert.equal(await page.evaluate(statusOf('/auth/logout', { method: 'POST' })), 204);
      assert.deepEqual(await recordsOf(redis), []);
      for (const node of [a, b]) assert.deepEqual(await statusesOf(node, '/gitlab/api', cookie), [401]);
      assert.deepEqual(
        (await context.cookies(to().url)).map(({ name }) => name),
        ['theme'],
      );
      await context.close();
    });
});

/** For a page: what a script of it is answered. */
function statusOf(path: string, init: Readonly<Record<string, string>> = {}): string {
  return `fetch('${path}', ${JSON.stringify(init)}).then((answer) => answer.status)`;
}
